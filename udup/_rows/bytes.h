// Bytes that are read, and bytes that are written: neither beyond their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

// Numbers of the log are taken as they lie there.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the compiled reader is for little-endian machines");

namespace udup {

using u8 = std::uint8_t;
using u64 = std::uint64_t;
using i64 = std::int64_t;

// The bytes are not what they should be, or are what only the Python reader knows: it is asked, and says what is wrong.
struct Damaged {};

// The output has no room; `wanted` bytes of it would do for now.
struct Full {
  std::size_t wanted;
};

inline u64 little(const u8 *p, std::size_t width) {
  u64 value = 0;
  for (std::size_t i = width; i--;) value = value << 8 | p[i];
  return value;
}

inline u64 big(const u8 *p, std::size_t width) {
  u64 value = 0;
  for (std::size_t i = 0; i < width; i++) value = value << 8 | p[i];
  return value;
}

template <typename Number> Number raw(const u8 *p) {
  Number value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline i64 sign_extended(u64 value, unsigned bits) {
  const u64 top = u64{1} << (bits - 1);
  return static_cast<i64>((value ^ top) - top);
}

// What is left to be read.
struct Input {
  const u8 *at;
  const u8 *end;

  std::size_t left() const { return static_cast<std::size_t>(end - at); }

  const u8 *take(std::size_t size) {
    if (size > left()) throw Damaged{};
    const u8 *found = at;
    at += size;
    return found;
  }

  u64 number(std::size_t width) { return little(take(width), width); }

  // A length-encoded number, as far as it counts columns.
  u64 counted() {
    const u64 first = number(1);
    if (first < 251) return first;
    if (first != 252) throw Damaged{};
    return number(2);
  }
};

// Text that is being written. Whoever writes asks for room first, and then need not ask for every byte.
struct Output {
  char *begin;
  char *at;
  char *end;

  char *room(std::size_t size) {
    if (size > static_cast<std::size_t>(end - at)) throw Full{static_cast<std::size_t>(at - begin) + size};
    return at;
  }

  std::size_t size() const { return static_cast<std::size_t>(at - begin); }

  void put(const char *text, std::size_t length) {
    char *o = room(length);
    if (length) std::memcpy(o, text, length);
    at = o + length;
  }

  template <std::size_t N> void put(const char (&text)[N]) { put(text, N - 1); }

  void put(char letter) {
    *room(1) = letter;
    at++;
  }
};

template <std::size_t N> char *literal(char *o, const char (&text)[N]) {
  std::memcpy(o, text, N - 1);
  return o + (N - 1);
}

// A text that belongs to the program.
struct Piece {
  const char *text;
  i64 size;

  void put(Output &out) const { out.put(text, static_cast<std::size_t>(size)); }
};

}  // namespace udup
