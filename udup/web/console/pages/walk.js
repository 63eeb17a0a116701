// Keys of a list: j and k go from row to row, arrows too once a row has the focus. Enter does what the row's control does.

/** Return keys for `useKeys`: they walk over what `selector` names within the element of `root`. */
export function walk(root, selector) {
  const step = by => {
    const all = [...(root.current?.querySelectorAll(selector) ?? [])];
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
    return Boolean(next);
  };
  const isIn = () => root.current?.contains(document.activeElement);
  return { j: () => step(1), k: () => step(-1), ArrowDown: () => isIn() && step(1), ArrowUp: () => isIn() && step(-1) };
}
