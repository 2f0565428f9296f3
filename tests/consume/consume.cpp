// Prints the dividends and the Shapley values of the same game, through the C++ face.
#include <cstdio>
#include <harsanyi/harsanyi.hpp>
#include <vector>

int main() {
  std::vector<double> x = {1, 3, 5, -1};
  harsanyi::mobius(x);
  const std::vector<double> shapley = harsanyi::shapley_values(x.data(), 2);
  std::printf("%s: %g %g %g %g, Shapley %g %g\n", harsanyi::version().c_str(), x[0], x[1], x[2], x[3], shapley[0],
              shapley[1]);
  return x == std::vector<double>{1, 2, 4, -8} && shapley == std::vector<double>{-2, 0} ? 0 : 1;
}
