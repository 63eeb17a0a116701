// Numbers as text: whole ones, floating-point ones by their shortest digits, and DECIMAL.
#pragma once

#include <charconv>
#include <cmath>

#include "bytes.h"
#include "text.h"

namespace udup {

// Bytes that a number takes at most, of any kind but an exact expansion.
constexpr std::size_t NUMBER_ROOM = 96;

template <typename Number> char *whole(char *o, Number value) { return std::to_chars(o, o + 24, value).ptr; }

inline char *two_digits(char *o, unsigned value) {
  *o++ = static_cast<char>('0' + value / 10);
  *o++ = static_cast<char>('0' + value % 10);
  return o;
}

inline char *four_digits(char *o, unsigned value) { return two_digits(two_digits(o, value / 100), value % 100); }

// The fewest digits that are this floating-point number: d.ddd times ten to the `exponent`.
struct Digits {
  bool negative = false;
  int count = 0;
  int exponent = 0;
  char digits[24];

  explicit Digits(double value) {
    char text[40];
    take(text, std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr);
  }

  // Below a power of two floats stand closer than above it: there the fewest digits may be those of a number that is
  // not the nearest of so many digits. The nearest is taken.
  explicit Digits(float value) {
    char text[40];
    const char *end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    const auto bits = raw<std::uint32_t>(reinterpret_cast<const u8 *>(&value));
    if (!(bits & 0x7fffff) && value != 0) {
      float read = 0;
      for (int behind = 5; behind < 9 && read != value; behind++) {
        end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, behind).ptr;
        std::from_chars(text, end, read);
      }
    }
    take(text, end);
  }

  void take(const char *p, const char *end) {
    if (*p == '-') {
      negative = true;
      p++;
    }
    for (; *p != 'e'; p++)
      if (*p != '.') digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0') count--;
    p++;
    std::from_chars(*p == '+' ? p + 1 : p, end, exponent);
  }

  // With a point, and a digit on both sides of it.
  char *fixed(char *o) const {
    if (negative) *o++ = '-';
    int i = 0;
    if (exponent < 0) {
      o = literal(o, "0.");
      for (int zeros = exponent + 1; zeros < 0; zeros++) *o++ = '0';
    } else {
      for (; i <= exponent; i++) *o++ = i < count ? digits[i] : '0';
      *o++ = '.';
      if (i >= count) *o++ = '0';
    }
    while (i < count) *o++ = digits[i++];
    return o;
  }

  // Without a point where there is one digit; a sign in front of the exponent, and two digits of it, where `padded`.
  char *scientific(char *o, bool padded) const {
    if (negative) *o++ = '-';
    *o++ = digits[0];
    if (count > 1) *o++ = '.';
    for (int i = 1; i < count; i++) *o++ = digits[i];
    *o++ = 'e';
    if (padded) *o++ = exponent < 0 ? '-' : '+';
    const int shown = padded && exponent < 0 ? -exponent : exponent;
    if (padded && shown < 10) *o++ = '0';
    return whole(o, shown);
  }
};

// A floating-point number as Python prints it: with an exponent from 1e16 up and below 1e-4.
template <typename Real> char *shortest(char *o, Real value) {
  const Digits found(value);
  return found.exponent >= 16 || found.exponent < -4 ? found.scientific(o, true) : found.fixed(o);
}

template <typename Real> char *finite(char *o, Real value) {
  if (!std::isfinite(value)) throw Damaged{};
  return shortest(o, value);
}

// ---- DECIMAL ----

constexpr unsigned DECIMAL_PRECISION_MAX = 65, DECIMAL_SCALE_MAX = 30;
constexpr unsigned GROUP_BYTES[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr u64 POWERS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

inline unsigned decimal_width(unsigned precision, unsigned scale) {
  const unsigned before = precision - scale;
  return before / 9 * 4 + GROUP_BYTES[before % 9] + scale / 9 * 4 + GROUP_BYTES[scale % 9];
}

// A DECIMAL in groups of nine digits, the first and the last with fewer; they hold the number behind its point too.
struct Decimal {
  bool negative;
  int count = 0;
  std::uint32_t groups[12];
  unsigned digits[12];

  Decimal(const u8 *p, unsigned precision, unsigned scale) : negative(!(*p & 0x80)) {
    const u8 turned = negative ? 0xff : 0;
    const u8 *first = p;
    const auto take = [&](unsigned width) {
      const unsigned size = GROUP_BYTES[width];
      u64 value = 0;
      for (unsigned i = 0; i < size; i++, p++) value = value << 8 | (*p ^ turned ^ (p == first ? 0x80 : 0));
      if (value >= POWERS[width]) throw Damaged{};
      groups[count] = static_cast<std::uint32_t>(value);
      digits[count++] = width;
    };
    const unsigned before = precision - scale;
    if (before % 9) take(before % 9);
    for (unsigned i = before / 9; i; i--) take(9);
    for (unsigned i = scale / 9; i; i--) take(9);
    if (scale % 9) take(scale % 9);
  }

  bool is_zero() const {
    for (int i = 0; i < count; i++)
      if (groups[i]) return false;
    return true;
  }
};

// All digits of the scale, and at least one before the point.
inline char *decimal_text(char *o, const u8 *p, unsigned precision, unsigned scale) {
  const Decimal value(p, precision, scale);
  char all[DECIMAL_PRECISION_MAX + 9];
  unsigned size = 0;
  for (int i = 0; i < value.count; i++) {
    u64 group = value.groups[i];
    for (unsigned k = value.digits[i]; k--; group /= 10) all[size + k] = static_cast<char>('0' + group % 10);
    size += value.digits[i];
  }
  if (value.negative && !value.is_zero()) *o++ = '-';
  unsigned begin = 0;
  const unsigned before = size - scale;
  while (begin + 1 < before && all[begin] == '0') begin++;
  if (!before) *o++ = '0';
  std::memcpy(o, all + begin, before - begin);
  o += before - begin;
  if (!scale) return o;
  *o++ = '.';
  std::memcpy(o, all + before, scale);
  return o + scale;
}

// The number that is nearest to it.
inline double decimal_double(const u8 *p, unsigned precision, unsigned scale) {
  char text[DECIMAL_PRECISION_MAX + 16];
  const char *end = decimal_text(text, p, precision, scale);
  double value = 0;
  std::from_chars(text, end, value);
  return value;
}

// Base64 of all digits as one number: two's complement, the highest byte first, as few as there can be.
inline char *decimal_unscaled(char *o, const u8 *p, unsigned precision, unsigned scale) {
  const Decimal value(p, precision, scale);
  constexpr int limbs = 5;
  u64 number[limbs] = {};
  int used = 1;
  for (int i = 0; i < value.count; i++) {
    unsigned __int128 carry = value.groups[i];
    for (int k = 0; k < used; k++) {
      carry += static_cast<unsigned __int128>(number[k]) * POWERS[value.digits[i]];
      number[k] = static_cast<u64>(carry);
      carry >>= 64;
    }
    if (carry && used < limbs) number[used++] = static_cast<u64>(carry);
  }
  if (value.negative) {
    bool carry = true;
    for (u64 &limb : number) {
      limb = ~limb + carry;
      carry = carry && !limb;
    }
  }
  u8 bytes[8 * limbs];
  for (int i = 0; i < 8 * limbs; i++) bytes[8 * limbs - 1 - i] = static_cast<u8>(number[i / 8] >> (i % 8 * 8));
  int first = 0;
  const u8 sign = bytes[0] & 0x80 ? 0xff : 0;
  while (first < 8 * limbs - 1 && bytes[first] == sign && (bytes[first + 1] & 0x80) == (sign & 0x80)) first++;
  return base64(o, bytes + first, static_cast<std::size_t>(8 * limbs - first));
}

// The same of a number of 64 bits without a sign.
inline char *unsigned_unscaled(char *o, u64 value) {
  u8 bytes[9] = {};
  for (int i = 8; i; i--, value >>= 8) bytes[i] = static_cast<u8>(value);
  int first = 0;
  while (first < 8 && !bytes[first] && !(bytes[first + 1] & 0x80)) first++;
  return base64(o, bytes + first, static_cast<std::size_t>(9 - first));
}

}  // namespace udup
