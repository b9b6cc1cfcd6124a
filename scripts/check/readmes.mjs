// Every folder of code opens with a page: what it does, what it refuses, where to add the next thing.
import { folderOf, isCode, isGenerated } from './tree.mjs';

const enough = 12; // words below the title: fewer cannot say all three
const wordsBelowTitle = (text) => text.replace(/^#.*$/gm, '').match(/\w+/g)?.length ?? 0;

export default {
  name: 'readmes',
  check({ files, read }) {
    // Folders of .proto files alone spell a protobuf package and are opened by the folder above.
    const folders = new Set(
      files.filter((f) => isCode(f) && !isGenerated(f) && !f.endsWith('.proto')).map(folderOf),
    );
    folders.delete('.ci');
    return [...folders].sort().flatMap((folder) => {
      const file = folder === '.' ? 'README.md' : `${folder}/README.md`;
      if (!files.includes(file))
        return [
          {
            file,
            line: 1,
            message: 'missing: say what the folder does, what it refuses and where to add the next thing',
          },
        ];
      if (wordsBelowTitle(read(file)) >= enough) return [];
      return [
        {
          file,
          line: 1,
          message: 'too short to say what the folder does, what it refuses and what to add where',
        },
      ];
    });
  },
};
