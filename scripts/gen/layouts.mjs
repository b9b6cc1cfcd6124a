// Turns BTF types (bpftool -j btf dump) into TypeScript codecs. Refuses what a codec could get wrong:
// implicit holes, bit fields, pointers, nested structs.

const camel = (name) => name.replace(/^_+/, '').replace(/_([a-z])/g, (_, c) => c.toUpperCase());
const pascal = (name) => camel(name).replace(/^./, (c) => c.toUpperCase());
const silent = (name) => /^(pad|spare)\d*$/.test(name);

/** How one scalar is read and written; byte order is the type's: __be16 and __be32 are wire order. */
function scalar(type) {
  const big = type.typedef?.startsWith('__be') ?? false;
  const order = big ? 'BE' : 'LE';
  switch (type.size) {
    case 1:
      return { ts: 'number', read: 'readUInt8', write: 'writeUInt8' };
    case 2:
      return { ts: 'number', read: `readUInt16${order}`, write: `writeUInt16${order}` };
    case 4:
      return { ts: 'number', read: `readUInt32${order}`, write: `writeUInt32${order}` };
    case 8:
      return { ts: 'bigint', read: `readBigUInt64${order}`, write: `writeBigUInt64${order}` };
    default:
      throw new Error(`${type.name}: no codec for ${type.size} bytes`);
  }
}

function resolver(types) {
  const byId = new Map(types.map((t) => [t.id, t]));
  return (id) => {
    let type = byId.get(id);
    let typedef = null;
    while (type.kind === 'TYPEDEF' || type.kind === 'CONST' || type.kind === 'VOLATILE') {
      if (type.kind === 'TYPEDEF' && typedef === null) typedef = type.name;
      type = byId.get(type.type_id);
    }
    if (type.kind === 'ARRAY') {
      const element = byId.get(type.type_id);
      const bytes = element.size ?? byId.get(element.type_id).size;
      if (bytes !== 1) throw new Error('Only arrays of bytes have a codec');
      return { kind: 'ARRAY', size: type.nr_elems, typedef };
    }
    if (!['INT', 'ENUM', 'STRUCT'].includes(type.kind))
      throw new Error(`${type.name}: no codec for ${type.kind}`);
    return { ...type, typedef };
  };
}

function enumText(type) {
  const values = type.values.map((v) => `  ${v.name}: ${v.val},`).join('\n');
  const name = pascal(type.name);
  return `/** enum ${type.name} */\nexport const ${name} = {\n${values}\n} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function structText(struct, resolve) {
  const fields = [];
  let end = 0;
  for (const member of struct.members) {
    const type = resolve(member.type_id);
    const offset = member.bits_offset / 8;
    if (!Number.isInteger(offset) || member.bitfield_size)
      throw new Error(`${struct.name}.${member.name}: bit fields have no codec`);
    if (offset !== end)
      throw new Error(
        `${struct.name}: ${offset - end} bytes of implicit padding before ${member.name}: name them pad`,
      );
    if (type.kind === 'STRUCT')
      throw new Error(`${struct.name}.${member.name}: nested structs have no codec`);
    end = offset + type.size;
    if (!silent(member.name)) fields.push({ name: camel(member.name), offset, type });
  }
  if (end !== struct.size)
    throw new Error(
      `${struct.name}: ${struct.size - end} bytes of implicit padding at the end: name them pad`,
    );

  const tsType = ({ type }) =>
    type.kind === 'ARRAY' ? 'Buffer' : type.kind === 'ENUM' ? pascal(type.name) : scalar(type).ts;
  const write = ({ name, offset, type }) =>
    type.kind === 'ARRAY'
      ? `    bytes(value.${name}, ${type.size}, '${struct.name}.${name}').copy(buffer, ${offset});`
      : `    buffer.${scalar(type).write}(value.${name}, ${offset});`;
  const read = ({ name, offset, type }) =>
    type.kind === 'ARRAY'
      ? `      ${name}: Buffer.from(buffer.subarray(${offset}, ${offset + type.size})),`
      : `      ${name}: buffer.${scalar(type).read}(${offset})${type.kind === 'ENUM' ? ` as ${pascal(type.name)}` : ''},`;

  const name = pascal(struct.name);
  return `/** struct ${struct.name}, ${struct.size} bytes */
export interface ${name} {
${fields.map((f) => `  ${f.name}: ${tsType(f)};`).join('\n')}
}
export const ${camel(struct.name)}: Layout<${name}> = {
  name: '${struct.name}',
  size: ${struct.size},
  encode(value) {
    const buffer = Buffer.alloc(${struct.size});
${fields.map(write).join('\n')}
    return buffer;
  },
  decode(buffer) {
    sized(buffer, ${struct.size}, '${struct.name}');
    return {
${fields.map(read).join('\n')}
    };
  },
};
`;
}

export function layoutsFromBtf(types) {
  const resolve = resolver(types);
  const root = types.find((t) => t.kind === 'STRUCT' && t.name === 'layouts');
  const members = root.members.map((m) => resolve(m.type_id));
  const structs = members.filter((t) => t.kind === 'STRUCT');
  const enums = new Map();
  for (const type of [...members, ...structs.flatMap((s) => s.members.map((m) => resolve(m.type_id)))])
    if (type.kind === 'ENUM') enums.set(type.name, type);
  return `// Generated from maps/*.h by npm run gen; not for editing.
import { bytes, sized, type Layout } from './layout.ts';

${[...[...enums.values()].map(enumText), ...structs.map((s) => structText(s, resolve))].join('\n')}`;
}
