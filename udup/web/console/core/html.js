// What pages are made of: markup as tagged templates, hooks and signals, from one place.
import { Component, Fragment, h, render } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export const html = htm.bind(h);
export { Component, Fragment, h, render };
export {
  useCallback, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef, useState,
} from '../vendor/hooks.js';
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from '../vendor/signals.js';

/** Return the component, painted again only when one of its properties is another one. */
export function memo(component) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const now = this.props;
      for (const name in next) if (next[name] !== now[name]) return true;
      for (const name in now) if (!(name in next)) return true;
      return false;
    }

    render(props) {
      return component(props);
    }
  };
}
