// The calling conventions of CPU kernels. A kernel is a plain function over raw pointers; it is
// registered by name and data type, and the engine looks it up once.
#ifndef ALULA_KERNELS_H
#define ALULA_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

// Only some kernels say which pointers are never NULL.
#pragma clang diagnostic ignored "-Wnullability-completeness"

/// An element-wise loop over `count` elements. `data` holds the output's address and then each
/// input's; `strides` their steps in bytes (0 repeats one element), and, in its fifth place, whether the output
/// is better stored past the caches. `parameters` are the operation's scalars, or NULL.
typedef void (*elementwise_kernel)(intptr_t count, char *const *data, const intptr_t *strides,
                                   const double *parameters);

/// The rows and columns of the tile that `gemm_block_kernel` computes at once, which are the widths of
/// the panels that it expects.
typedef void (*gemm_shape_kernel)(intptr_t *rows, intptr_t *columns);

/// Packs `count` vectors (rows of A or columns of B) of `depth` elements into panels. Strides are in
/// elements. `panels` holds `count` rounded up to whole panels, times `depth`.
typedef void (*gemm_pack_kernel)(intptr_t count, intptr_t depth, const void *source, intptr_t vector_stride,
                                 intptr_t depth_stride, void *panels);

/// A product, or `count` of them that share B: where the operands lie and how far they reach. Distances are in
/// elements. The depth is three nested loops, `depth0` innermost, each with its own steps through A and B.
/// Panel p of B holds the columns from p times the tile's width on, side by side, and starts `b_panel` after
/// the one before.
typedef struct gemm_product {
  intptr_t count, rows, columns;
  intptr_t depth0, depth1, depth2;
  /// From one product to the next, one row to the next, and, for packed rows, one panel to the next, or else 0.
  intptr_t a_count, a_row, a_panel;
  intptr_t a0, a1, a2;
  intptr_t b_panel;
  intptr_t b0, b1, b2;
  /// Elements within a row are contiguous.
  intptr_t c_count, c_row;
  /// C += A B.
  bool accumulate;
  /// Unless NULL, panels to fill while the first rows are multiplied, for the others and for later calls: B
  /// lies as rows of adjacent elements, b0 apart, and fills whole panels; A has a tile's rows at least; count,
  /// depth1 and depth2 are 1.
  void *kept_panels;
  /// What the caller reads next, which is asked for while the product is computed: this many runs of bytes, so
  /// many bytes apart. No runs where nothing is known.
  const void *next;
  intptr_t next_runs, next_bytes, next_step;
} gemm_product;

/// C = A B for each of the products. `row_bias` and `column_bias`, unless NULL, are added to each row and
/// column. B is read up to whole panels.
typedef void (*gemm_block_kernel)(const gemm_product *product, const void *a, const void *b, void *c,
                                  const void *row_bias, const void *column_bias);

/// `count` products of small matrices, C = A B: A at any strides, B and C as rows of adjacent elements. No
/// extent is 0; distances are in elements.
typedef struct gemm_small {
  intptr_t count, rows, columns, depth;
  intptr_t a_row, a_depth, b_row, c_row;
  /// From one C to the next.
  intptr_t c_step;
} gemm_small;

/// The offsets are those of each product's A and B. `bias`, unless NULL, has an element for each column.
typedef void (*gemm_small_kernel)(const gemm_small *products, const void *a, const intptr_t *a_offsets,
                                  const void *b, const intptr_t *b_offsets, void *c, const void *bias);

/// Adds `count` contiguous elements of `addend` to those of `sum`.
typedef void (*gemm_add_kernel)(intptr_t count, void *sum, const void *addend);

/// y = x B for a vector x of `depth` elements and a matrix B (`depth` by `columns`) as it lies. Strides
/// are in elements; y is contiguous.
typedef void (*gemm_vector_kernel)(intptr_t columns, intptr_t depth, const void *x, intptr_t x_stride,
                                   const void *b, intptr_t row_stride, intptr_t column_stride, void *y);

/// `rows` vectors of A and `columns` of B, `depth` elements each, which lie side by side; the vectors, and the
/// rows of C, are so many elements apart.
typedef struct gemm_dots {
  intptr_t rows, columns, depth;
  intptr_t a_row, b_row, c_row;
} gemm_dots;

/// C = A Bᵀ. `bias`, unless NULL, has an element for each column.
typedef void (*gemm_dots_kernel)(const gemm_dots *shape, const void *a, const void *b, void *c,
                                 const void *bias);

/// Fills `out` with `count` random elements that lie without gaps, from the counters of Philox's
/// stream `key` that start at `group` (of 8 counters each). `parameters` depend on the distribution.
typedef void (*random_kernel)(void *out, intptr_t count, uint64_t key, uint64_t group,
                              const double *parameters);

/// Like a random_kernel, with `count` input elements at `in`.
typedef void (*random_map_kernel)(void *out, const void *in, intptr_t count, uint64_t key, uint64_t group,
                                  const double *parameters);

/// Copies the part of a plane (`height` by `width`; strides in elements) that starts at `first_row`,
/// `first_column`, which may be negative, with zeros outside the plane. Columns are grouped by their
/// remainder modulo `column_step`; the groups of a row, of whole vectors where these are one or two, are
/// `row_length` together. Zeros are written up to a vector past the end.
typedef void (*conv_pad_kernel)(intptr_t height, intptr_t width, const void *source, intptr_t row_stride,
                                intptr_t column_stride, intptr_t first_row, intptr_t first_column,
                                intptr_t rows, intptr_t row_length, intptr_t column_step, void *padded);

/// Packs patches of a padded image for a matrix product: the positions `start` to `start + count`, in
/// rows of `width` that are `row_pitch` elements apart, for each of the `vectors` element offsets.
/// Writes up to one panel's width past the last panel, and reads as far past the last patch.
typedef void (*conv_pack_kernel)(intptr_t start, intptr_t count, intptr_t width, intptr_t row_pitch,
                                 intptr_t vectors, const intptr_t *offsets, const void *source, void *panels);

/// Planes of a convolution of single channels. Each is read from a padded copy of some of its rows, in which
/// positions and taps meet as in a `conv_pad_kernel`'s. Distances are in elements.
typedef struct {
  /// Of the source, and from one plane, row and column to the next.
  intptr_t planes, height, width;
  intptr_t plane_stride, row_stride, column_stride;
  /// Pixels are so many columns apart in the copy, with zeros between them.
  intptr_t column_spread;
  /// The copy: the pixel under the first position's first tap, the rows' length, and the rows that one
  /// position's taps span.
  intptr_t first_row, first_column, row_length, span;
  intptr_t row_step, column_step;
  /// Positions, and how many rows of them a copy is made for.
  intptr_t rows, columns, rows_at_once;
  /// From the elements under one row of positions to the next.
  intptr_t row_pitch;
  intptr_t taps;
  const intptr_t *offsets;
  /// Planes of the target for each of the source, side by side, and from those of one to those of the next;
  /// from one row of the target to the next.
  intptr_t targets, target_stride, target_row_stride;
} depthwise_planes;

/// A convolution of single channels: at each position, the bias, if any, plus the sum of the weights, (plane,
/// target, tap), times the elements at their offsets. `room` takes the copy, and is read beyond it by up to
/// eight rows.
typedef void (*depthwise_kernel)(const depthwise_planes *planes, const void *source, const void *weights,
                                 const void *bias, void *target, void *room);

/// Winograd's transforms for 3 by 3 kernels. A plane holds one of the 4 by 4 elements of every tile; planes lie
/// `plane_pitch` elements apart. Those that say a `row` make all 16 planes when it is negative, or else four.
///
/// Of the source: `tiles` patches of 4 by 4 pixels, each two pixels after the one before, in four rows whose
/// pixels of `channels` elements, at least a vector of them, are `column_pitch` apart.
typedef void (*winograd_source_kernel)(intptr_t row, intptr_t tiles, intptr_t channels, const void *const *rows,
                                       intptr_t column_pitch, void *planes, intptr_t plane_pitch);

/// Of the weight: for each channel nine taps of `lanes` targets, a multiple of a vector. `tap_pitch`, to the
/// next tap, may be negative.
typedef void (*winograd_weight_kernel)(intptr_t channels, intptr_t lanes, const void *taps, intptr_t tap_pitch,
                                       void *planes, intptr_t plane_pitch);

/// Back from the planes, with the bias, if any, of each of `targets`, a multiple of a vector: two rows of twice
/// as many positions as there are tiles.
typedef void (*winograd_target_kernel)(intptr_t tiles, intptr_t targets, const void *planes,
                                       intptr_t plane_pitch, const void *bias, void *positions);

/// Of the target's gradient: `tiles` of 2 by 2 positions in two rows, like the source's.
typedef void (*winograd_gradient_kernel)(intptr_t row, intptr_t tiles, intptr_t targets,
                                         const void *const *rows, intptr_t column_pitch, void *planes,
                                         intptr_t plane_pitch, intptr_t tile_pitch);

/// The weight's gradient: `count` elements, a multiple of a vector, of each of nine taps from as many of each
/// plane.
typedef void (*winograd_taps_kernel)(intptr_t count, const void *planes, intptr_t plane_pitch, void *taps);

/// The weight's gradient, (target, tap), of one channel, whose planes are those of the images. `totals` takes a
/// vector for each.
typedef void (*depthwise_gradient_kernel)(const depthwise_planes *planes, const void *source,
                                          const void *gradient, void *sums, void *totals, void *room);

/// Moves `rows` rows of positions to planes of the target, whose plane, row and column strides are given.
typedef void (*conv_scatter_kernel)(intptr_t rows, intptr_t start, intptr_t count, intptr_t width,
                                    const void *source, intptr_t source_stride, void *target,
                                    const intptr_t *strides);
/// One step of an optimizer on `count` parameters and their state, all without gaps; `state` are as many
/// addresses as the optimizer keeps tensors. `parameters` depend on the optimizer.
typedef void (*optimizer_kernel)(void *values, const void *gradients, void *const *state, intptr_t count,
                                 const double *parameters);

/// Sums of absolute values (`order` 1) or squares (2), or the largest absolute value (`order` 0), of
/// `count` elements, in float64. NaN stays NaN.
typedef double (*norm_kernel)(const void *values, intptr_t count, intptr_t order);

/// Moves blocks of elements between packed rows and the places that `blocks` names: `count` rows of `inner`
/// elements, row i at `base + blocks[i]`, its element j at `inner_offsets[j]` further, or side by side when
/// that is NULL. Offsets count bytes.
typedef void (*block_kernel)(intptr_t count, char *packed, char *base, const intptr_t *blocks, intptr_t inner,
                             const intptr_t *inner_offsets);

/// Moves single elements between a strided row and the places that an index names: element j at
/// `base + index[j] * axis_stride + j * base_stride`. Strides count bytes.
typedef void (*element_kernel)(intptr_t count, char *row, intptr_t row_stride, char *base, intptr_t base_stride,
                               const int64_t *index, intptr_t axis_stride);

/// The sort keys of `count` elements that lie `stride` bytes apart: unsigned integers in their order.
typedef void (*sort_keys_kernel)(intptr_t count, const char *source, intptr_t stride, bool descending,
                                 uint64_t *keys);

/// Sorts keys, and an order with them, stably. Only the `bytes` lowest bytes of keys differ; the spare
/// arrays are as long as the others.
typedef void (*sort_kernel)(intptr_t count, uint64_t *keys, int64_t *order, uint64_t *spare_keys,
                            int64_t *spare_order, intptr_t bytes);

/// The positions of the k smallest keys, which differ in their `bytes` lowest bytes, in ascending order of
/// position.
typedef void (*select_kernel)(intptr_t count, const uint64_t *keys, intptr_t bytes, intptr_t k,
                              int64_t *positions);

/// Where each of `count` values would be inserted among `length` sorted keys.
typedef void (*search_kernel)(intptr_t count, const uint64_t *values, intptr_t length, const uint64_t *sorted,
                              bool right, int64_t *positions);
#pragma clang assume_nonnull begin

/// Maxima of windows over `planes` planes. `geometry` is twelve numbers: height, width, output height and
/// width, kernel height and width, then strides, paddings and dilations. Indices count within a plane.
typedef void (*max_pool_kernel)(intptr_t planes, const intptr_t *geometry, const void *source, void *values,
                                int64_t *indices);
/// Means of windows, or their transposed map; `geometry` as above, with dilations of 1.
typedef void (*average_pool_kernel)(intptr_t planes, const intptr_t *geometry, bool include_padding,
                                    const void *source, void *target);
/// Moves elements between planes of `count` and planes of `extent` elements by index into the latter.
/// False when an index lies outside.
typedef bool (*plane_index_kernel)(intptr_t planes, intptr_t count, intptr_t extent, const void *source,
                                   const int64_t *indices, void *target);

#pragma clang assume_nonnull end

/// A fold of `rows` rows, `row_step` bytes apart, of `columns` adjacent elements into one accumulator per
/// column; without an input it sets the accumulators to the fold's identity. `centers` holds a number per
/// column, or is NULL. Done for `groups` groups, `group_step` bytes apart, whose accumulators and centers
/// follow each other.
typedef void (*fold_kernel)(void *accumulators, const void *input, intptr_t rows, intptr_t row_step,
                            intptr_t columns, const double *centers, intptr_t groups, intptr_t group_step);

/// Row i, column j of the target becomes row j, column i of the source, for `rows` rows and `columns` columns
/// of the target. Elements of a row are adjacent in both; steps are in bytes.
typedef void (*transpose_kernel)(intptr_t rows, intptr_t columns, void *target, intptr_t target_step,
                                 const void *source, intptr_t source_step);

/// Copies `planes` times `rows` rows of `size` adjacent bytes. Steps are in bytes.
typedef void (*copy_rows_kernel)(intptr_t planes, intptr_t rows, intptr_t size, void *target,
                                 intptr_t target_plane, intptr_t target_row, const void *source,
                                 intptr_t source_plane, intptr_t source_row);

/// Fills `rows` rows of `size` bytes, each with the element that the source has for it. Steps are in bytes. Up
/// to 63 bytes after each row are overwritten.
typedef void (*fill_rows_kernel)(intptr_t rows, intptr_t size, void *target, intptr_t target_step,
                                 const void *source, intptr_t source_step);

/// Carries a value down `count` rows, `row_step` bytes apart (negative: from the last one up), of `columns`
/// adjacent elements. Only recurrences read `factors`.
typedef void (*scan_kernel)(intptr_t count, intptr_t columns, intptr_t row_step, void *out, const void *input,
                            const void *factors);

/// `rows` rows of `count` adjacent elements. `data` holds each operand's address and `row_steps` the distance
/// of its rows in bytes, 0 when all share one; an operand left out is NULL. `parameters` are the operation's
/// scalars.
typedef void (*row_kernel)(intptr_t rows, intptr_t count, char *const *data, const intptr_t *row_steps,
                           const double *parameters);

/// Turns `lanes` vectors of `depth` elements into the columns of a panel, times a factor; columns that are left
/// over become zero.
typedef void (*panel_transpose_kernel)(intptr_t lanes, intptr_t width, intptr_t depth, const void *source,
                                       intptr_t lane_stride, intptr_t depth_stride, double factor, void *panel);

/// Copies rows, each times a factor unless `factors` is NULL.
typedef void (*panel_scale_kernel)(intptr_t rows, intptr_t columns, const void *source, intptr_t row_stride,
                                   const void *factors, void *target, intptr_t target_stride);

/// The dot products of the columns of two panels.
typedef void (*panel_dot_kernel)(intptr_t rows, intptr_t width, const void *a, const void *b, void *sums);

/// One block of keys of attention, for a panel of queries: the scores, plus the mask unless it is NULL, become
/// exponentials, and the running `maxima` and `sums` take them in; `factors` are what earlier ones shrink by.
/// Row j is hidden from lanes below j - `diagonal`.
typedef void (*attention_softmax_kernel)(intptr_t keys, intptr_t width, void *scores, const void *mask,
                                         intptr_t diagonal, void *maxima, double *sums, void *factors);

/// The reciprocals of sums of exponentials, and their logarithms, which take in the maxima.
typedef void (*attention_finish_kernel)(intptr_t width, const void *maxima, const double *sums, void *factors,
                                        void *logarithms);

/// The backward pass of the same: scores become probabilities, and the gradients of these become the scores'.
typedef void (*attention_gradient_kernel)(intptr_t keys, intptr_t width, void *scores, void *gradients,
                                          const void *mask, intptr_t diagonal, const void *logarithms,
                                          const void *deltas, double scale);

#endif
