// What this browser keeps for the viewer: never a password. A browser that keeps nothing is no error.

/** The prefix under which this node is served, '/' without a proxy that has several. */
export const place = new URL('../', document.baseURI).pathname;

function store(area, prefix = '') {
  const own = name => `udup.${prefix}${name}`;
  return {
    get(name) {
      try { return window[area].getItem(own(name)); } catch { return null; }
    },
    set(name, value) {
      try {
        if (value === null || value === undefined) window[area].removeItem(own(name));
        else window[area].setItem(own(name), String(value));
      } catch { /* the browser was told to keep nothing */ }
    },
  };
}

/** For all tabs and days: language, theme, folded groups. */
export const kept = store('localStorage');

/** Until this tab is closed: the token, drafts. They are of this node alone, whatever else its proxy serves. */
export const session = store('sessionStorage', place === '/' ? '' : `${place} `);
