import { parse, type DefaultTreeAdapterTypes, type ParserError } from 'parse5';

type Element = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.Node;

/** A parsed page. */
export interface ParsedDocument {
  /** In document order, including those inside SVG drawings. */
  readonly elements: readonly Element[];
  /** Parse errors. */
  readonly errors: readonly string[];
}

export function parseDocument(html: string): ParsedDocument {
  const errors: string[] = [];
  const document = parse(html, {
    sourceCodeLocationInfo: true,
    onParseError: ({ code, startLine }: ParserError) => errors.push(`${code} in line ${startLine}`),
  });
  const elements: Element[] = [];
  const visit = (node: Node): void => {
    if ('tagName' in node) elements.push(node);
    if ('childNodes' in node) node.childNodes.forEach(visit);
  };
  visit(document);
  return { elements, errors };
}

export function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

export function textOf(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** Problems of validity and accessibility (screen readers, keyboard); empty without any. */
export function problemsOf(html: string): string[] {
  const { elements, errors } = parseDocument(html);
  const problems = [...errors];
  const ids = elements.map((element) => attribute(element, 'id')).filter((id) => id !== undefined);
  for (const id of new Set(ids)) {
    if (ids.filter((other) => other === id).length > 1) problems.push(`duplicate id ${id}`);
  }
  let level = 0;
  for (const element of elements) {
    const { tagName } = element;
    const say = (what: string): unknown => problems.push(`${tagName}: ${what}`);
    for (const name of ['aria-labelledby', 'aria-describedby']) {
      for (const id of attribute(element, name)?.split(' ') ?? []) {
        if (!ids.includes(id)) say(`${name} refers to ${id}, which does not exist`);
      }
    }
    const href = attribute(element, 'href');
    if (href !== undefined && !ids.includes(href.slice(1))) say(`links to ${href}, which does not exist`);
    if (tagName === 'img' && !attribute(element, 'alt')?.trim()) say('no alt');
    if (tagName === 'img' && !attribute(element, 'width')) say('no width: the layout shifts while loading');
    if (tagName === 'svg' && attribute(element, 'aria-hidden') !== 'true') {
      const children = element.childNodes.map(({ nodeName }) => nodeName);
      if (!children.includes('title') || !children.includes('desc')) say('no title and description');
      if (attribute(element, 'role') !== 'img') say('no role');
    }
    if (tagName === 'th' && attribute(element, 'scope') === undefined) say('no scope');
    if (tagName === 'table' && element.childNodes.every(({ nodeName }) => nodeName !== 'caption')) {
      say('no caption');
    }
    const heading = /^h([1-6])$/.exec(tagName)?.[1];
    if (heading !== undefined) {
      if (Number(heading) > level + 1) say(`follows a heading of level ${level}`);
      level = Number(heading);
      if (textOf(element).trim() === '') say('empty');
    }
  }
  for (const landmark of ['header', 'nav', 'main', 'footer', 'h1', 'title']) {
    const count = elements.filter(
      ({ tagName, namespaceURI }) => tagName === landmark && namespaceURI.endsWith('xhtml'),
    ).length;
    if (count !== 1) problems.push(`${count} times ${landmark}`);
  }
  return problems;
}
