export default {
  'values.column': 'Column',
  'values.relation': 'Equal or not',
  'values.equal': 'equal',
  'values.unequal': 'not equal',
  'values.no_row': '(no row)',
  'values.not_shown': 'not shown',
  'values.empty': 'The empty text',
  'values.blanks': { one: 'A blank at the end or the beginning', other: '{n} blanks at the end or the beginning' },
  'values.hidden': { one: 'A character that does not show: {text}', other: '{n} characters that do not show: {text}' },
  'values.bytes': { one: '{n} byte', other: '{n} bytes' },
  'values.unfold': 'All {n} letters',
  'values.fold': 'Less',
};
