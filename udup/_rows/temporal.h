// Dates and times: packed numbers of the log, as numbers since 1970 or as ISO texts.
#pragma once

#include "bytes.h"
#include "numbers.h"

namespace udup {

struct Day {
  unsigned year, month, day;
};

struct Clock {
  unsigned hour, minute, second, microseconds;

  i64 seconds() const { return i64{hour} * 3600 + minute * 60 + second; }
};

constexpr i64 MICROSECONDS = 1000000;

// What one of a fraction's numbers counts in microseconds, by its bytes.
constexpr unsigned FRACTION_FACTORS[] = {1000000, 10000, 100, 1};

inline bool is_leap(unsigned year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Whether the calendar has the day.
inline bool is_real(const Day &day) {
  constexpr unsigned sizes[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (day.year < 1 || day.year > 9999 || day.month < 1 || day.month > 12 || day.day < 1) return false;
  return day.day <= sizes[day.month - 1] + (day.month == 2 && is_leap(day.year));
}

inline bool is_real(const Clock &clock) {
  return clock.hour < 24 && clock.minute < 60 && clock.second < 60 && clock.microseconds < MICROSECONDS;
}

// Days since 1970 of a day that the calendar has (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
inline i64 days_since_1970(const Day &day) {
  const int year = static_cast<int>(day.year) - (day.month <= 2);
  const int era = year / 400;
  const unsigned of_era = static_cast<unsigned>(year - era * 400);
  const unsigned of_year = (153 * (day.month + (day.month > 2 ? -3u : 9u)) + 2) / 5 + day.day - 1;
  return i64{era} * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// The day of a number of days since 1970 that is not below zero.
inline Day day_of(unsigned days) {
  days += 719468;
  const unsigned era = days / 146097, of_era = days % 146097;
  const unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
  const unsigned shifted = (5 * of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {years + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1};
}

// Two digits of a year mean 1970 to 2069; of year 0 there is no day.
inline void adjust(Day &day) {
  if (day.year && day.year < 100) day.year += day.year < 70 ? 2000 : 1900;
}

// The number without its last digits, cut downwards.
inline i64 cut(i64 value, i64 size) { return value >= 0 ? value / size : -((size - 1 - value) / size); }

inline char *date_text(char *o, const Day &day) {
  o = four_digits(o, day.year);
  *o++ = '-';
  o = two_digits(o, day.month);
  *o++ = '-';
  return two_digits(o, day.day);
}

inline char *clock_text(char *o, const Clock &clock) {
  o = two_digits(o, clock.hour);
  *o++ = ':';
  o = two_digits(o, clock.minute);
  *o++ = ':';
  return two_digits(o, clock.second);
}

// The point and so many digits of a fraction; nothing for none.
inline char *fraction_text(char *o, unsigned microseconds, unsigned digits) {
  if (!digits) return o;
  char all[6];
  for (unsigned i = 6; i--; microseconds /= 10) all[i] = static_cast<char>('0' + microseconds % 10);
  *o++ = '.';
  std::memcpy(o, all, digits);
  return o + digits;
}

// The digits of a fraction without the zeros at its end.
inline unsigned significant(unsigned microseconds) {
  unsigned digits = 6;
  for (; digits && microseconds % 10 == 0; microseconds /= 10) digits--;
  return digits;
}

// ---- As they stand in a row ----

inline Day date_in_row(const u8 *p) {
  const unsigned packed = static_cast<unsigned>(little(p, 3));
  return {packed >> 9, packed >> 5 & 15, packed & 31};
}

// A date and time packed into a number, as a DATETIME has it without its fraction.
inline void unpack(u64 packed, Day &day, Clock &clock) {
  const unsigned months = static_cast<unsigned>(packed >> 22);
  day = {months / 13, months % 13, static_cast<unsigned>(packed >> 17 & 31)};
  clock.hour = packed >> 12 & 31;
  clock.minute = packed >> 6 & 63;
  clock.second = packed & 63;
}

inline unsigned fraction_in_row(const u8 *p, unsigned width) {
  return static_cast<unsigned>(big(p, width)) * FRACTION_FACTORS[width];
}

// DATETIME: five bytes with the highest bit set, then the fraction.
inline void datetime_in_row(const u8 *p, unsigned fraction, Day &day, Clock &clock) {
  unpack(big(p, 5) ^ u64{1} << 39, day, clock);
  clock.microseconds = fraction ? fraction_in_row(p + 5, fraction) : 0;
}

// TIME: three bytes with 0x800000 added, then the fraction; below zero all of it is.
inline bool time_in_row(const u8 *p, unsigned fraction, Clock &clock) {
  i64 packed = static_cast<i64>(big(p, 3 + fraction)) - (i64{1} << (23 + 8 * fraction));
  const bool negative = packed < 0;
  if (negative) packed = -packed;
  const unsigned whole = static_cast<unsigned>(packed >> 8 * fraction);
  clock.hour = whole >> 12;
  clock.minute = whole >> 6 & 63;
  clock.second = whole & 63;
  const unsigned rest = static_cast<unsigned>(packed & ((i64{1} << 8 * fraction) - 1));
  clock.microseconds = fraction ? rest * FRACTION_FACTORS[fraction] : 0;
  return negative;
}

}  // namespace udup
