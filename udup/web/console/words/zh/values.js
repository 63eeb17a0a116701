export default {
  'values.column': '列',
  'values.relation': '是否一致',
  'values.equal': '一致',
  'values.unequal': '不一致',
  'values.no_row': '（无此行）',
  'values.not_shown': '不显示',
  'values.empty': '空字符串',
  'values.blanks': '首尾有 {n} 个空格',
  'values.hidden': '{n} 个不可见字符：{text}',
  'values.bytes': '{n} 字节',
  'values.unfold': '全部 {n} 个字符',
  'values.fold': '收起',
};
