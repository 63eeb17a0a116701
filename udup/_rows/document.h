// JSON documents: from MySQL's binary form to a JSON text that stands inside a JSON string.
//
// A type byte, then the value. An object is the number of its members, the bytes of all of it, for each member the
// offset and length of its key and a type with an offset (or the value itself, where that is small), then keys and
// values; an array has no keys. A damaged document may point anywhere, also at itself: so a container must lie within
// the one that holds it, and all values together may have no more bytes than the document.
#pragma once

#include "bytes.h"
#include "numbers.h"
#include "temporal.h"
#include "text.h"

namespace udup {

class Document {
public:
  // `database`: as the server prints it, else compact, as Debezium has it, with `quirks` also where it is wrong.
  Document(Output &out, const Input &bytes, bool database, bool quirks)
      : out_(out), begin_(bytes.at), end_(bytes.end), left_(bytes.left()), database_(database),
        quirks_(quirks && !database) {}

  void put() {
    if (begin_ != end_) value(*begin_, begin_ + 1, end_, 0);
    else if (quirks_) out_.put("{}");
    else out_.put("null");
  }

private:
  enum Kind {
    SMALL_OBJECT, LARGE_OBJECT, SMALL_ARRAY, LARGE_ARRAY, LITERAL, INT16, UINT16, INT32, UINT32, INT64, UINT64, DOUBLE,
    STRING, OPAQUE = 15,
  };
  enum Opaque { TIMESTAMP = 7, DATE = 10, TIME = 11, DATETIME = 12, DECIMAL = 246 };
  static constexpr int DEPTH_MAX = 100;
  static constexpr std::size_t EXACT_ROOM = 1200;

  Output &out_;
  const u8 *const begin_;
  const u8 *const end_;  // of all of it
  std::size_t left_;     // bytes that values may still have
  const bool database_;
  const bool quirks_;

  const u8 *sized(const u8 *p, std::size_t size, const u8 *end) const {
    if (p > end || size > static_cast<std::size_t>(end - p)) throw Damaged{};
    return p;
  }

  void spend(std::size_t size) {
    if (size > left_) throw Damaged{};
    left_ -= size;
  }

  template <typename Number> Number fixed(const u8 *p) const { return raw<Number>(sized(p, sizeof(Number), end_)); }

  template <typename Number> void number(const u8 *p) {
    const Number value = fixed<Number>(p);
    out_.at = whole(out_.room(NUMBER_ROOM), value);
  }

  // The bytes behind a length in groups of seven bits.
  Input counted(const u8 *p, const u8 *end) {
    u64 size = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const u8 byte = *sized(p++, 1, end_);
      size |= u64{byte & 127u} << shift;
      if (byte >= 128) continue;
      sized(p, size, end);
      spend(size);
      return {p, p + size};
    }
    throw Damaged{};
  }

  void value(unsigned kind, const u8 *p, const u8 *end, int depth) {
    switch (kind) {
    case SMALL_OBJECT: case SMALL_ARRAY: return container<2>(kind == SMALL_OBJECT, p, end, depth);
    case LARGE_OBJECT: case LARGE_ARRAY: return container<4>(kind == LARGE_OBJECT, p, end, depth);
    case LITERAL: return literal_value(*sized(p, 1, end_));
    case INT16: return number<std::int16_t>(p);
    case UINT16: return number<std::uint16_t>(p);
    case INT32: return number<std::int32_t>(p);
    case UINT32: return quirks_ ? number<std::int32_t>(p) : number<std::uint32_t>(p);
    case INT64: return number<std::int64_t>(p);
    case UINT64: return number<std::uint64_t>(p);
    case DOUBLE: return real(fixed<double>(p));
    case STRING: return string(counted(p, end));
    case OPAQUE: return opaque(*sized(p, 1, end_), counted(p + 1, end));
    default: throw Damaged{};
    }
  }

  template <std::size_t Width> void container(bool has_keys, const u8 *p, const u8 *end, int depth) {
    if (depth >= DEPTH_MAX) throw Damaged{};
    const u64 count = little(sized(p, 2 * Width, end_), Width), size = little(p + Width, Width);
    const u64 head = 2 * Width + count * ((has_keys ? Width + 2 : 0) + Width + 1);
    sized(p, size, end);
    if (head > size) throw Damaged{};
    spend(head);
    const u8 *key = p + 2 * Width;
    const u8 *entry = key + (has_keys ? count * (Width + 2) : 0);
    Input last{nullptr, nullptr};
    out_.put(has_keys ? '{' : '[');
    for (u64 i = 0; i < count; i++, entry += Width + 1) {
      if (i) out_.put(',');
      if (i && database_) out_.put(' ');
      if (has_keys) {
        last = name<Width>(p, key, last);
        key += Width + 2;
      }
      const bool is_inline = *entry >= LITERAL && *entry <= (Width == 2 ? UINT16 : UINT32);
      const u64 offset = is_inline ? 0 : little(entry + 1, Width);
      value(*entry, is_inline ? entry + 1 : sized(p, offset, end_) + offset, p + size, depth + 1);
    }
    out_.put(has_keys ? '}' : ']');
  }

  // A member's key. The server sorts them by length, then by bytes, so none is there twice.
  template <std::size_t Width> Input name(const u8 *container, const u8 *entry, const Input &last) {
    const u64 offset = little(entry, Width), size = little(entry + Width, 2);
    spend(size);
    sized(container, offset, end_);
    const Input key{sized(container + offset, size, end_), container + offset + size};
    if (last.at && !comes_before(last, key)) throw Damaged{};
    string(key);
    out_.put(':');
    if (database_) out_.put(' ');
    return key;
  }

  static bool comes_before(const Input &one, const Input &other) {
    if (one.left() != other.left()) return one.left() < other.left();
    return std::memcmp(one.at, other.at, one.left()) < 0;
  }

  void string(const Input &text) {
    out_.put("\\\"");
    if (database_) put_utf8<Into::DATABASE_DOCUMENT>(out_, text.at, text.end);
    else put_utf8<Into::DOCUMENT>(out_, text.at, text.end);
    out_.put("\\\"");
  }

  void literal_value(u8 value) {
    if (value == 0) out_.put("null");
    else if (value == 1) out_.put("true");
    else if (value == 2) out_.put("false");
    else throw Damaged{};
  }

  // As Java prints it where it needs no exponent, else all digits of the very number.
  void real(double value) {
    if (!std::isfinite(value)) throw Damaged{};
    const double size = std::fabs(value);
    if (database_) {
      const Digits found(value);
      char *o = out_.room(NUMBER_ROOM);
      const bool is_short = found.exponent >= -15 && (found.exponent < 15 || found.count > found.exponent + 1);
      out_.at = is_short ? found.fixed(o) : found.scientific(o, false);
      return;
    }
    if (size == 0 || (size >= 1e-3 && size < 1e7)) {
      out_.at = Digits(value).fixed(out_.room(NUMBER_ROOM));
      return;
    }
    char *o = out_.room(EXACT_ROOM);
    char *end = std::to_chars(o, o + EXACT_ROOM, value, std::chars_format::fixed, size < 1 ? 1074 : 52).ptr;
    while (end[-1] == '0') end--;
    if (end[-1] == '.') end--;
    out_.at = end;
  }

  void opaque(unsigned kind, const Input &data) {
    if (kind == DECIMAL && data.left() > 2) return decimal(data);
    const bool is_moment = kind == TIMESTAMP || kind == DATE || kind == TIME || kind == DATETIME;
    if (is_moment && data.left() == 8) return moment(kind, raw<i64>(data.at));
    out_.put("\\\"");
    if (database_) lines(kind, data);
    else put_base64(out_, data.at, data.left());
    out_.put("\\\"");
  }

  // Base64 in lines of 76 letters, as the server breaks it.
  void lines(unsigned kind, const Input &data) {
    constexpr std::size_t line = 57;
    out_.put("base64:type");
    out_.at = whole(out_.room(NUMBER_ROOM), kind);
    out_.put(':');
    for (const u8 *p = data.at; p < data.end; p += line) {
      const std::size_t left = static_cast<std::size_t>(data.end - p);
      if (p > data.at) out_.put("\\\\n");
      put_base64(out_, p, left < line ? left : line);
      if (left <= line) break;
    }
  }

  void decimal(const Input &data) {
    const unsigned precision = data.at[0], scale = data.at[1];
    if (!precision || precision > DECIMAL_PRECISION_MAX) throw Damaged{};
    if (scale > DECIMAL_SCALE_MAX || scale > precision) throw Damaged{};
    if (data.left() != 2 + decimal_width(precision, scale)) throw Damaged{};
    out_.at = decimal_text(out_.room(NUMBER_ROOM), data.at + 2, precision, scale);
  }

  void moment(unsigned kind, i64 packed) {
    const bool negative = packed < 0;
    if (packed == INT64_MIN || (negative && kind != TIME)) throw Damaged{};
    const u64 size = static_cast<u64>(negative ? -packed : packed);
    Day day{};
    Clock clock{};
    clock.microseconds = size & 0xffffff;
    unpack(size >> 24, day, clock);
    if (kind == TIME) {
      day = {};
      if (size >> 36 > 999) throw Damaged{};
      clock.hour = static_cast<unsigned>(size >> 36);
    }
    if (day.year > 9999 || clock.microseconds >= MICROSECONDS) throw Damaged{};
    char *o = literal(out_.room(NUMBER_ROOM), "\\\"");
    if (negative) *o++ = '-';
    if (kind != TIME) o = date_text(o, day);
    if (kind != TIME && kind != DATE) *o++ = ' ';
    if (kind != DATE) {
      if (clock.hour > 99) *o++ = static_cast<char>('0' + clock.hour / 100);
      clock.hour %= 100;
      o = fraction_text(clock_text(o, clock), clock.microseconds, database_ ? 6 : significant(clock.microseconds));
    }
    out_.at = literal(o, "\\\"");
  }
};

}  // namespace udup
