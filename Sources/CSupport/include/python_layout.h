// The structures of CPython's stable ABI that the Python interface fills in and reads, under names that do not
// meet those of Python.h. They are the same in every version from 3.11 on that keeps the interpreter's lock.
#ifndef CSUPPORT_PYTHON_LAYOUT_H
#define CSUPPORT_PYTHON_LAYOUT_H

#include <stdint.h>

/// PyObject
typedef struct {
  intptr_t references;
  void *type;
} csupport_py_object;

/// PyType_Slot
typedef struct {
  int slot;
  void *function;
} csupport_py_slot;

/// PyType_Spec
typedef struct {
  const char *name;
  int basic_size;
  int item_size;
  unsigned int flags;
  csupport_py_slot *slots;
} csupport_py_spec;

/// PyMethodDef
typedef struct {
  const char *name;
  void *function;
  int flags;
  const char *documentation;
} csupport_py_method;

/// PyMemberDef
typedef struct {
  const char *name;
  int type;
  intptr_t offset;
  int flags;
  const char *documentation;
} csupport_py_member;

/// PyGetSetDef
typedef struct {
  const char *name;
  void *get;
  void *set;
  const char *documentation;
  void *closure;
} csupport_py_property;

/// Py_buffer
typedef struct {
  void *data;
  void *object;
  intptr_t byte_count;
  intptr_t item_size;
  int is_read_only;
  int rank;
  const char *format;
  intptr_t *shape;
  intptr_t *strides;
  intptr_t *suboffsets;
  void *internal;
} csupport_py_buffer;

/// A tensor as an object of Python.
typedef struct {
  csupport_py_object head;
  /// The engine's tensor, retained; NULL before `__init__`.
  void *tensor;
  /// Its handle, one reference of it; NULL until somebody asks.
  void *handle;
  /// CPython's list of weak references.
  void *weak_references;
} csupport_py_tensor;

/// An operation of the catalog as a function of Python.
typedef struct {
  csupport_py_object head;
  void *vectorcall;
  /// The engine's side of it, retained.
  void *function;
  void *dictionary;
} csupport_py_function;

#endif
