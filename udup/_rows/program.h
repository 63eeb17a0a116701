// What a caller says of a table: the programs of its columns (udup/drivers/mysql/rowtext/program.py).
//
// `rowtext/compiled.py` lays these structures out in the same order. Whoever changes them, or what is made of a value,
// raises VERSION here and in udup/base/row_library.py, so that a library that was built before is not used.
#pragma once

#include "bytes.h"
#include "text.h"

namespace udup {

constexpr i64 VERSION = 2;

// As `TextOp`, which says what each of them does.
enum class Op : i64 {
  INT = 1, BOOLEAN, UNSIGNED_BASE64, YEAR, FLOAT, FLOAT_WIDE, DOUBLE, DECIMAL_BASE64, DECIMAL_STRING, DECIMAL_DOUBLE,
  BITS, ENUM, SET, TEXT_UTF8, TEXT_BYTES, BASE64 = 17, BASE64_URL, HEX, JSON_LEGACY, JSON_DATABASE, GEOMETRY, POINT,
  VECTOR, DATE_DAYS, DATE_ISO, DATETIME_MS, DATETIME_US, DATETIME_NS, DATETIME_ISO, TIMESTAMP_ISO, TIME_MS, TIME_US,
  TIME_NS, TIME_CONNECT, TIME_ISO, NULL_ = 40, CONSTANT,
};

// As `ColumnProgram` has it, if not said otherwise.
struct Column {
  Op op;
  i64 width;
  i64 sized;
  i64 longest;
  i64 nullable;
  i64 kept;
  i64 is_signed;
  i64 precision;
  i64 digits;
  i64 fill;
  i64 adjust;
  i64 quirks;
  i64 large;
  i64 key;           // place in the key, or -1
  i64 ascii;         // `texts` leave the printable letters of ASCII as JSON has them
  Piece label;       // ,"name":
  Piece zero;
  Piece null;
  Piece unavailable;
  Texts texts;
};

struct Program {
  const Column *columns;
  i64 count;
  const i64 *key_columns;  // by their place in the key
  i64 key_count;
};

// Columns of a key, and bytes of a BINARY, at most.
constexpr i64 KEY_MAX = 64, FILL_MAX = 1024;

// What stands around the images of a row: before B after A row N end.
struct Template {
  Piece before, after, row, end;
};

}  // namespace udup
