// One value of a row as JSON.
#pragma once

#include "bytes.h"
#include "document.h"
#include "numbers.h"
#include "program.h"
#include "temporal.h"
#include "text.h"

namespace udup {

// The bytes of a value, whose length stands in front of them if it is `sized`.
inline Input taken(Input &in, const Column &column) {
  u64 size = static_cast<u64>(column.width);
  if (column.sized) {
    size = in.number(size);
    if (size > static_cast<u64>(column.longest)) throw Damaged{};
  }
  const u8 *p = in.take(size);
  return {p, p + size};
}

inline void put_number(Output &out, const Input &value, const Column &column) {
  const unsigned width = static_cast<unsigned>(value.left());
  const u64 number = little(value.at, width);
  char *o = out.room(NUMBER_ROOM);
  switch (column.op) {
  case Op::YEAR: o = whole(o, number || column.quirks ? number + 1900 : 0); break;
  case Op::UNSIGNED_BASE64:
    *o++ = '"';
    o = unsigned_unscaled(o, number);
    *o++ = '"';
    break;
  default: o = column.is_signed ? whole(o, sign_extended(number, 8 * width)) : whole(o, number);
  }
  out.at = o;
}

inline void put_truth(Output &out, const Input &value) {
  bool truth = false;
  for (const u8 *p = value.at; p < value.end; p++) truth |= *p != 0;
  if (truth) out.put("true");
  else out.put("false");
}

template <typename Shown, typename Stored> void put_real(Output &out, const u8 *p) {
  out.at = finite(out.room(NUMBER_ROOM), static_cast<Shown>(raw<Stored>(p)));
}

inline void put_decimal(Output &out, const u8 *p, const Column &column) {
  const unsigned precision = static_cast<unsigned>(column.precision), scale = static_cast<unsigned>(column.digits);
  char *o = out.room(NUMBER_ROOM);
  if (column.op == Op::DECIMAL_DOUBLE) {
    out.at = finite(o, decimal_double(p, precision, scale));
    return;
  }
  *o++ = '"';
  o = column.op == Op::DECIMAL_STRING ? decimal_text(o, p, precision, scale) : decimal_unscaled(o, p, precision, scale);
  *o++ = '"';
  out.at = o;
}

inline void put_bits(Output &out, const Input &value) {
  u8 turned[8];
  const std::size_t width = value.left();
  for (std::size_t i = 0; i < width; i++) turned[i] = value.at[width - 1 - i];
  char *o = out.room(16);
  *o++ = '"';
  o = base64(o, turned, width);
  *o++ = '"';
  out.at = o;
}

// ---- Dates and times ----

// What stands for a value that has no form: null, where that can stand. `zero` would be another date.
inline void put_without_form(Output &out, const Column &column) {
  if (!column.nullable) throw Damaged{};
  column.zero.put(out);
}

inline void put_date(Output &out, const u8 *p, const Column &column) {
  Day day = date_in_row(p);
  if (column.adjust) adjust(day);
  if (!is_real(day)) return column.zero.put(out);
  char *o = out.room(NUMBER_ROOM);
  if (column.op == Op::DATE_DAYS) {
    out.at = whole(o, days_since_1970(day));
    return;
  }
  *o++ = '"';
  out.at = literal(date_text(o, day), "Z\"");
}

inline void put_datetime(Output &out, const Input &value, const Column &column) {
  Day day;
  Clock clock;
  datetime_in_row(value.at, static_cast<unsigned>(value.left()) - 5, day, clock);
  if (column.adjust) adjust(day);
  if (!is_real(day)) return column.zero.put(out);
  if (!is_real(clock)) throw Damaged{};
  char *o = out.room(NUMBER_ROOM);
  const i64 microseconds = (days_since_1970(day) * 86400 + clock.seconds()) * MICROSECONDS + clock.microseconds;
  i64 nanoseconds;
  switch (column.op) {
  case Op::DATETIME_MS: o = whole(o, cut(microseconds, 1000)); break;
  case Op::DATETIME_US: o = whole(o, microseconds); break;
  case Op::DATETIME_NS:
    if (__builtin_mul_overflow(microseconds, 1000, &nanoseconds)) return put_without_form(out, column);
    o = whole(o, nanoseconds);
    break;
  default:
    *o++ = '"';
    o = date_text(o, day);
    *o++ = 'T';
    o = fraction_text(clock_text(o, clock), clock.microseconds, significant(clock.microseconds));
    o = literal(o, "Z\"");
  }
  out.at = o;
}

inline void put_timestamp(Output &out, const Input &value, const Column &column) {
  const unsigned fraction = static_cast<unsigned>(value.left()) - 4;
  const unsigned seconds = static_cast<unsigned>(big(value.at, 4));
  const unsigned microseconds = fraction ? fraction_in_row(value.at + 4, fraction) : 0;
  if (microseconds >= MICROSECONDS) throw Damaged{};
  if (!seconds && !microseconds) return column.zero.put(out);
  const unsigned rest = seconds % 86400;
  char *o = out.room(NUMBER_ROOM);
  *o++ = '"';
  o = date_text(o, day_of(seconds / 86400));
  *o++ = 'T';
  o = clock_text(o, {rest / 3600, rest / 60 % 60, rest % 60, 0});
  o = fraction_text(o, microseconds, static_cast<unsigned>(column.digits));
  out.at = literal(o, "Z\"");
}

inline void put_time(Output &out, const Input &value, const Column &column) {
  Clock clock;
  const bool negative = time_in_row(value.at, static_cast<unsigned>(value.left()) - 3, clock);
  if (clock.minute > 59 || clock.second > 59 || clock.microseconds >= MICROSECONDS) throw Damaged{};
  const bool is_bounded = column.op == Op::TIME_CONNECT || column.op == Op::TIME_ISO;
  if (is_bounded && (negative || clock.hour > 23)) return put_without_form(out, column);
  char *o = out.room(NUMBER_ROOM);
  const i64 size = clock.seconds() * MICROSECONDS + clock.microseconds;
  const i64 microseconds = negative ? -size : size;
  switch (column.op) {
  case Op::TIME_US: o = whole(o, microseconds); break;
  case Op::TIME_NS: o = whole(o, microseconds * 1000); break;
  case Op::TIME_ISO:
    *o++ = '"';
    o = fraction_text(clock_text(o, clock), clock.microseconds, significant(clock.microseconds));
    o = literal(o, "Z\"");
    break;
  default: o = whole(o, cut(microseconds, 1000));
  }
  out.at = o;
}

// ---- Texts and bytes ----

inline void put_text(Output &out, const Input &text, const Column &column) {
  out.put('"');
  if (column.op == Op::TEXT_UTF8) put_utf8<Into::JSON>(out, text.at, text.end);
  else put_mapped(out, text.at, text.end, column.texts, column.ascii);
  out.put('"');
}

inline void put_binary(Output &out, const Input &data, const Column &column) {
  u8 filled[FILL_MAX] = {};
  const u8 *p = data.at;
  std::size_t size = data.left();
  if (size < static_cast<std::size_t>(column.fill)) {
    if (size) std::memcpy(filled, p, size);
    p = filled;
    size = static_cast<std::size_t>(column.fill);
  }
  out.put('"');
  if (column.op == Op::HEX) put_hex(out, p, size);
  else put_base64(out, p, size, column.op == Op::BASE64 ? BASE64 : BASE64_URL);
  out.put('"');
}

inline void put_enum(Output &out, const Input &value, const Column &column) {
  const u64 member = little(value.at, value.left());
  if (member >= static_cast<u64>(column.texts.count)) throw Damaged{};
  column.texts[member].put(out);
}

inline void put_set(Output &out, const Input &value, const Column &column) {
  const u64 members = little(value.at, value.left());
  const u64 count = static_cast<u64>(column.texts.count);
  if (count < 64 && members >> count) throw Damaged{};
  bool first = true;
  out.put('"');
  for (u64 i = 0; i < count; i++) {
    if (!(members >> i & 1)) continue;
    if (!first) out.put(',');
    first = false;
    column.texts[i].put(out);
  }
  out.put('"');
}

// ---- What has parts ----

inline void put_document(Output &out, const Input &document, const Column &column) {
  out.put('"');
  Document(out, document, column.op == Op::JSON_DATABASE, column.quirks).put();
  out.put('"');
}

inline void put_geometry(Output &out, const Input &value, const Column &column) {
  if (value.left() < 4) throw Damaged{};
  const u64 srid = little(value.at, 4);
  char *o = out.room(2 * NUMBER_ROOM);
  *o++ = '{';
  if (column.op == Op::POINT) {
    if (value.left() != 25) throw Damaged{};
    o = finite(literal(o, "\"x\":"), raw<double>(value.at + 9));
    o = finite(literal(o, ",\"y\":"), raw<double>(value.at + 17));
    *o++ = ',';
  }
  out.at = literal(o, "\"wkb\":\"");
  put_base64(out, value.at + 4, value.left() - 4);
  o = literal(out.room(NUMBER_ROOM), "\",\"srid\":");
  o = srid ? whole(o, srid) : literal(o, "null");
  *o++ = '}';
  out.at = o;
}

inline void put_vector(Output &out, const Input &value) {
  if (value.left() % 4) throw Damaged{};
  out.put('[');
  for (const u8 *p = value.at; p < value.end; p += 4) {
    if (p > value.at) out.put(',');
    put_real<float, float>(out, p);
  }
  out.put(']');
}

inline void put_value(Input &in, Output &out, const Column &column) {
  const Input value = taken(in, column);
  switch (column.op) {
  case Op::INT: case Op::UNSIGNED_BASE64: case Op::YEAR: return put_number(out, value, column);
  case Op::BOOLEAN: return put_truth(out, value);
  case Op::FLOAT: return put_real<float, float>(out, value.at);
  case Op::FLOAT_WIDE: return put_real<double, float>(out, value.at);
  case Op::DOUBLE: return put_real<double, double>(out, value.at);
  case Op::DECIMAL_BASE64: case Op::DECIMAL_STRING: case Op::DECIMAL_DOUBLE: return put_decimal(out, value.at, column);
  case Op::BITS: return put_bits(out, value);
  case Op::ENUM: return put_enum(out, value, column);
  case Op::SET: return put_set(out, value, column);
  case Op::TEXT_UTF8: case Op::TEXT_BYTES: return put_text(out, value, column);
  case Op::BASE64: case Op::BASE64_URL: case Op::HEX: return put_binary(out, value, column);
  case Op::JSON_LEGACY: case Op::JSON_DATABASE: return put_document(out, value, column);
  case Op::GEOMETRY: case Op::POINT: return put_geometry(out, value, column);
  case Op::VECTOR: return put_vector(out, value);
  case Op::DATE_DAYS: case Op::DATE_ISO: return put_date(out, value.at, column);
  case Op::DATETIME_MS: case Op::DATETIME_US: case Op::DATETIME_NS: case Op::DATETIME_ISO:
    return put_datetime(out, value, column);
  case Op::TIMESTAMP_ISO: return put_timestamp(out, value, column);
  case Op::TIME_MS: case Op::TIME_US: case Op::TIME_NS: case Op::TIME_CONNECT: case Op::TIME_ISO:
    return put_time(out, value, column);
  case Op::NULL_: return out.put("null");
  case Op::CONSTANT: return column.texts[0].put(out);
  }
  throw Damaged{};
}

}  // namespace udup
