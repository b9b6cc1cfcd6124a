// The ratios as one SVG: a panel per work, a bar per subject, a whisker from the lowest to the highest round.
const rowHeight = 18;
const headHeight = 30;
const labelWidth = 150;
const barWidth = 420;
const valueWidth = 160;
const width = labelWidth + barWidth + valueWidth;

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
/** SVG text does not wrap: the parts of the machine's line, as many per row as fit. */
function wrapped(line, columns) {
  const rows = [''];
  for (const part of line.split('; ')) {
    const last = rows.at(-1);
    if (last !== '' && last.length + part.length > columns) rows.push(part);
    else rows[rows.length - 1] = last === '' ? part : `${last}; ${part}`;
  }
  return rows;
}

const text = (x, y, said, more = '') => `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escape(said)}</text>`;

/** Room for everybody up to three times the bare pair; what exceeds it is cut and its figure says so. */
const scaleOf = (subjects) =>
  Math.min(3, Math.max(1.1, ...subjects.map(({ ratio }) => ratio?.high ?? 0))) * 1.02;

function row(subject, y, scale) {
  const x = (ratio) => labelWidth + (Math.min(ratio, scale) / scale) * barWidth;
  const middle = y + rowHeight / 2;
  const label = text(labelWidth - 6, middle + 4, subject.name, 'text-anchor="end"');
  if (subject.ratio === null) return label;
  const { median, low, high } = subject.ratio;
  const ours = subject.name.startsWith('vwire') ? ' class="ours"' : '';
  return [
    label,
    `<rect${ours} x="${labelWidth}" y="${y + 3}" width="${(x(median) - labelWidth).toFixed(1)}" height="${rowHeight - 6}"/>`,
    `<path d="M${x(low).toFixed(1)} ${middle}H${x(high).toFixed(1)}"/>`,
    text(
      labelWidth + barWidth + 8,
      middle + 4,
      `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`,
    ),
  ].join('');
}

function panel({ work, subjects }, top) {
  const scale = scaleOf(subjects);
  const one = (labelWidth + barWidth / scale).toFixed(1);
  const better = subjects[0]?.unit === 'us' ? ', lower is better' : '';
  const bottom = top + headHeight + subjects.length * rowHeight;
  return [
    text(labelWidth, top + 20, `${work}: ratio to bare${better}`, 'class="head"'),
    ...subjects.map((subject, i) => row(subject, top + headHeight + i * rowHeight, scale)),
    `<path class="one" d="M${one} ${top + headHeight}V${bottom}"/>`,
  ].join('\n');
}

export function plot(figures, line) {
  const heights = figures.works.map(({ subjects }) => headHeight + subjects.length * rowHeight + 10);
  const lines = wrapped(line, 110);
  const head = 14 + lines.length * 16;
  const tops = heights.map((_, i) => head + heights.slice(0, i).reduce((sum, height) => sum + height, 0));
  const height = head + 10 + heights.reduce((sum, each) => sum + each, 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    '<style>text{font:12px sans-serif;fill:#222}.head{font-weight:bold}rect{fill:#9ab}.ours{fill:#2a7}path{stroke:#222;fill:none}.one{stroke:#c33;stroke-dasharray:3 3}</style>',
    `<rect width="100%" height="100%" style="fill:#fff"/>`,
    ...lines.map((said, i) => text(8, 18 + i * 16, said)),
    ...figures.works.map((work, i) => panel(work, tops[i])),
    '</svg>\n',
  ].join('\n');
}
