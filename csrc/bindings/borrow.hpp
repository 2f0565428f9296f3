// Borrowed memory: a numpy array, or an address (tensor.data_ptr()). Shapes, dtypes and lifetimes are checked in
// Python; the caller's reference keeps the buffer alive for the length of the call.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>

#include "harsanyi/harsanyi.h"

namespace harsanyi_bindings {

namespace py = pybind11;

inline void* address_of(const py::handle& buffer) {
  if (buffer.is_none()) return nullptr;
  if (PyLong_Check(buffer.ptr())) {
    void* address = PyLong_AsVoidPtr(buffer.ptr());
    if (address == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
    return address;
  }
  return const_cast<void*>(py::cast<py::array>(buffer).data());
}

template <class T = void>
T* writable(const py::handle& buffer) {
  return static_cast<T*>(address_of(buffer));
}
template <class T = void>
const T* readable(const py::handle& buffer) {
  return static_cast<const T*>(address_of(buffer));
}

inline void check(harsanyi_status status) {
  if (status == HARSANYI_OK) return;
  if (status == HARSANYI_ERROR_SYSTEM) throw std::runtime_error(harsanyi_last_error());
  throw py::value_error(harsanyi_last_error());
}

void register_lattice(py::module_& module);
void register_subsets(py::module_& module);
void register_masking(py::module_& module);
void register_sparse(py::module_& module);
void register_cuda(py::module_& module);
void register_cuda_lattice(py::module_& module);

}  // namespace harsanyi_bindings
