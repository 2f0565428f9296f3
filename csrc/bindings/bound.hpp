// Functions of the C ABI as Python calls them: numbers, codes of enumerations, and borrowed memory.
#pragma once

#include <tuple>
#include <type_traits>

#include "borrow.hpp"

namespace harsanyi_bindings {

// What Python gives for an argument of the C ABI.
template <class T, class = void>
struct Argument {
  using type = T;
  static T from(T value) { return value; }
};
template <class T>
struct Argument<T*, void> {
  using type = const py::object&;
  static T* from(const py::object& buffer) { return static_cast<T*>(address_of(buffer)); }
};
template <class T>
struct Argument<T, std::enable_if_t<std::is_enum_v<T>>> {
  using type = int;
  static T from(int code) { return static_cast<T>(code); }
};

// A function of the C ABI for Python. Launches may wait for room in the stream, so they are made without the GIL.
template <class... A>
auto bound(harsanyi_status (*function)(A...)) {
  return [function](typename Argument<A>::type... arguments) {
    const std::tuple<A...> converted(Argument<A>::from(arguments)...);
    py::gil_scoped_release release;
    check(std::apply(function, converted));
  };
}
template <class... A>
auto bound(size_t (*query)(A...)) {
  return [query](typename Argument<A>::type... arguments) { return query(Argument<A>::from(arguments)...); };
}

}  // namespace harsanyi_bindings
