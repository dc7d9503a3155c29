// Pillow's resampling for 8 bits, number for number.
#include "runtime/pictures/ResizePicture.h"

#include <algorithm>
#include <cmath>

namespace dlc {

static constexpr int weightBits = 22;

namespace {
/// For each place of the result, the places that it is made of and their weights.
struct Weights {
  struct Range {
    int first, count;
  };
  std::vector<Range> ranges;
  std::vector<int32_t> weights; ///< `most` for each place
  size_t most = 0;

  Weights(int64_t from, int64_t to);
};
} // namespace

Weights::Weights(int64_t from, int64_t to) {
  double scale = double(from) / double(to), spread = std::max(scale, 1.0);
  most = size_t(std::ceil(spread)) * 2 + 1;
  weights.resize(most * size_t(to));
  std::vector<double> exact(most);
  for (int64_t place = 0; place < to; ++place) {
    double centre = (double(place) + 0.5) * scale, step = 1.0 / spread, sum = 0;
    int first = std::max(int(centre - spread + 0.5), 0), end = std::min(int(centre + spread + 0.5), int(from));
    ranges.push_back({first, end - first});
    for (int i = 0; i < end - first; ++i) {
      double distance = std::fabs((i + first - centre + 0.5) * step);
      exact[size_t(i)] = distance < 1 ? 1 - distance : 0;
      sum += exact[size_t(i)];
    }
    for (int i = 0; i < end - first; ++i) {
      double weight = sum != 0 ? exact[size_t(i)] / sum : exact[size_t(i)];
      weights[size_t(place) * most + size_t(i)] = int32_t(0.5 + weight * (1 << weightBits));
    }
  }
}

static uint8_t clipped(int32_t sum) { return uint8_t(std::clamp(sum >> weightBits, 0, 255)); }

template <int Channels> static void resizeRow(const uint8_t *in, uint8_t *out, const Weights &columns) {
  for (size_t x = 0; x < columns.ranges.size(); ++x) {
    const auto [first, count] = columns.ranges[x];
    const int32_t *weight = columns.weights.data() + x * columns.most;
    int32_t sums[Channels];
    std::fill(sums, sums + Channels, 1 << (weightBits - 1));
    const uint8_t *pixel = in + size_t(first) * Channels;
    for (int i = 0; i < count; ++i, pixel += Channels)
      for (int c = 0; c < Channels; ++c)
        sums[c] += pixel[c] * weight[i];
    for (int c = 0; c < Channels; ++c)
      out[x * Channels + size_t(c)] = clipped(sums[c]);
  }
}

static Picture8 resizeColumns(const Picture8 &picture, int64_t width) {
  Weights columns(picture.width, width);
  Picture8 made{width, picture.height, picture.channels, {}};
  made.pixels.resize(size_t(width * picture.height * picture.channels));
  auto *resize = picture.channels == 1 ? resizeRow<1> : picture.channels == 3 ? resizeRow<3> : resizeRow<4>;
  for (int64_t y = 0; y < picture.height; ++y)
    resize(picture.pixels.data() + y * picture.width * picture.channels,
           made.pixels.data() + y * width * picture.channels, columns);
  return made;
}

static Picture8 resizeRows(const Picture8 &picture, int64_t height) {
  Weights rows(picture.height, height);
  Picture8 made{picture.width, height, picture.channels, {}};
  size_t stride = size_t(picture.width * picture.channels);
  made.pixels.resize(stride * size_t(height));
  std::vector<int32_t> sums(stride);
  for (size_t y = 0; y < size_t(height); ++y) {
    const auto [first, count] = rows.ranges[y];
    std::fill(sums.begin(), sums.end(), 1 << (weightBits - 1));
    for (int i = 0; i < count; ++i) {
      const uint8_t *in = picture.pixels.data() + size_t(first + i) * stride;
      int32_t weight = rows.weights[y * rows.most + size_t(i)];
      for (size_t x = 0; x < stride; ++x)
        sums[x] += in[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), made.pixels.begin() + ptrdiff_t(y * stride), clipped);
  }
  return made;
}

/// Colours times their opacity, rounded.
static void multiplyOpacity(Picture8 &picture) {
  for (size_t i = 0; i < picture.pixels.size(); i += 4)
    for (size_t c = 0; c < 3; ++c) {
      unsigned product = picture.pixels[i + c] * unsigned(picture.pixels[i + 3]) + 128;
      picture.pixels[i + c] = uint8_t(((product >> 8) + product) >> 8);
    }
}

static void divideOpacity(Picture8 &picture) {
  for (size_t i = 0; i < picture.pixels.size(); i += 4)
    if (unsigned opacity = picture.pixels[i + 3]; opacity != 0 && opacity != 255)
      for (size_t c = 0; c < 3; ++c)
        picture.pixels[i + c] = uint8_t(std::min(255u, 255u * picture.pixels[i + c] / opacity));
}

Picture8 resizePicture(Picture8 picture, int64_t height, int64_t width) {
  if (picture.height == height && picture.width == width)
    return picture;
  if (picture.channels == 4)
    multiplyOpacity(picture);
  if (picture.width != width)
    picture = resizeColumns(picture, width);
  if (picture.height != height)
    picture = resizeRows(picture, height);
  if (picture.channels == 4)
    divideOpacity(picture);
  return picture;
}

} // namespace dlc
