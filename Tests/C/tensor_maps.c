// Tensors by name, and safetensors files: whole or not at all.
#include "check.h"

static void named(void) {
  alula_tensor_map *map;
  alula_tensor *a = vector((const float[]){1, 2}, 2), *b = vector((const float[]){3}, 1), *found;
  const char *name, *text;
  size_t count;
  OK(alula_tensor_map_create(&map));
  OK(alula_tensor_map_insert(map, "weight", a));
  OK(alula_tensor_map_insert(map, "bias", a));
  OK(alula_tensor_map_insert(map, "bias", b));
  OK(alula_tensor_map_count(&count, map));
  CHECK(count == 2);
  OK(alula_tensor_map_name(&name, map, 1));
  CHECK(strcmp(name, "bias") == 0);
  OK(alula_tensor_map_tensor(&found, map, 0));
  CHECK(element(found, 1) == 2);
  OK(alula_tensor_release(found));
  OK(alula_tensor_map_find(&found, map, "bias"));
  CHECK(element(found, 0) == 3);
  OK(alula_tensor_release(found));
  SAYS(ALULA_OUT_OF_RANGE, "alula_tensor_map_find: there is no tensor named 'scale'",
       alula_tensor_map_find(&found, map, "scale"));
  FAILS(ALULA_OUT_OF_RANGE, alula_tensor_map_name(&name, map, 2));
  FAILS(ALULA_OUT_OF_RANGE, alula_tensor_map_tensor(&found, map, SIZE_MAX));
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_map_insert(map, NULL, a));
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_map_insert(map, "\xff", a));
  OK(alula_tensor_map_metadata(&text, map, "epoch"));
  CHECK(text == NULL);
  OK(alula_tensor_map_set_metadata(map, "epoch", "1"));
  OK(alula_tensor_map_set_metadata(map, "epoch", "2"));
  OK(alula_tensor_map_metadata(&text, map, "epoch"));
  CHECK(strcmp(text, "2") == 0);
  // The map keeps its tensors.
  OK(alula_tensor_release(a));
  OK(alula_tensor_release(b));
  OK(alula_tensor_map_find(&found, map, "weight"));
  CHECK(element(found, 0) == 1);
  OK(alula_tensor_release(found));
  OK(alula_tensor_map_release(map));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_map_release(map));
}

static void saved(void) {
  const char *path = "tensor_maps.safetensors";
  const int64_t axes[] = {1, 0}, empty[] = {0, 3};
  const float values[] = {1, 2, 3, 4, 5, 6};
  alula_tensor_map *map, *loaded;
  alula_tensor *x = tensor4(values, 2, 3, 0, 0), *view, *half, *none, *found;
  alula_dtype dtype;
  int64_t shape[2];
  const char *text;
  size_t count;
  FILE *file;
  OK(alula_permute_dims(&view, x, axes, 2));
  OK(alula_cast(&half, x, ALULA_FLOAT16));
  OK(alula_zeros(&none, empty, 2, ALULA_INT64, ALULA_CPU));
  OK(alula_tensor_map_create(&map));
  OK(alula_tensor_map_insert(map, "layer.view", view));
  OK(alula_tensor_map_insert(map, "layer.half", half));
  OK(alula_tensor_map_insert(map, "none", none));
  OK(alula_tensor_map_set_metadata(map, "format", "\xc3\xa4 \"quoted\""));
  OK(alula_safetensors_save(map, path));
  OK(alula_safetensors_load(&loaded, path));
  OK(alula_tensor_map_count(&count, loaded));
  CHECK(count == 3);
  OK(alula_tensor_map_metadata(&text, loaded, "format"));
  CHECK(strcmp(text, "\xc3\xa4 \"quoted\"") == 0);
  OK(alula_tensor_map_find(&found, loaded, "layer.view"));
  OK(alula_tensor_shape(shape, 2, found));
  CHECK(shape[0] == 3 && shape[1] == 2 && element(found, 1) == 4);
  OK(alula_tensor_release(found));
  OK(alula_tensor_map_find(&found, loaded, "layer.half"));
  OK(alula_tensor_dtype(&dtype, found));
  CHECK(dtype == ALULA_FLOAT16 && element(found, 5) == 6);
  OK(alula_tensor_release(found));
  OK(alula_tensor_map_release(loaded));

  // A file that is cut off is an error, and so is none.
  file = fopen(path, "r+b");
  CHECK(file != NULL);
  fclose(file);
  {
    char bytes[40];
    size_t length;
    file = fopen(path, "rb");
    length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    file = fopen(path, "wb");
    fwrite(bytes, 1, length, file);
    fclose(file);
  }
  FAILS(ALULA_IO_ERROR, alula_safetensors_load(&loaded, path));
  CHECK(loaded == NULL);
  remove(path);
  FAILS(ALULA_IO_ERROR, alula_safetensors_load(&loaded, path));
  FAILS(ALULA_IO_ERROR, alula_safetensors_save(map, "no/such/folder/x.safetensors"));
  FAILS(ALULA_INVALID_ARGUMENT, alula_safetensors_save(map, NULL));
  OK(alula_tensor_map_release(map));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(view));
  OK(alula_tensor_release(half));
  OK(alula_tensor_release(none));
}

int main(void) {
  named();
  saved();
  CHECK(alula_live_handles() == 0);
  return 0;
}
