import type { Completes } from '../shell/verb.ts';
import { type Model, type Word, listing, quoted } from './model.ts';

function offer(completes: Completes): string {
  switch (completes) {
    case 'netns':
      return '_vwire_netns';
    case 'wire':
    case 'connection':
    case 'endpoint':
    case 'service':
      return `compadd -- \${(f)"$(vwire ${listing[completes]} --quiet --instance $instance 2>/dev/null)"}`;
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    default:
      return `compadd -- ${completes.map(quoted).join(' ')}`;
  }
}

/** `_describe` splits each entry at its first bare colon. */
const entries = (words: readonly Word[]): string =>
  words.map(({ word, summary }) => quoted(`${word.replaceAll(':', '\\:')}:${summary}`)).join(' ');

function verbCase({ path, flags, completes }: Model['verbs'][number]): string {
  const rest = completes === null ? '' : `\n      ${offer(completes)}`;
  return `    ${quoted(path)}|${quoted(`${path} `)}*)
      flags+=(${entries(flags)})${rest} ;;`;
}

/** A script that runs nothing but itself, except for names of wires, which compadd takes as they are. */
export const zshScript = ({ places, common, verbs, values, valued }: Model): string => `#compdef vwire
# vwire completion for zsh
# Try it:  source <(vwire completion zsh)
# Keep it: vwire completion zsh > "\${fpath[1]}/_vwire"

_vwire_netns() {
  local -a names
  names=(/run/netns/*(N:t))
  compadd -- $names name:$^names
}

_vwire() {
  local instance=default verb="" at
  local -a offers flags
  flags=(${entries(common)})
  for ((at = 2; at < CURRENT; at++)); do
    case $words[at] in
      --instance) instance=$words[++at] ;;
      ${valued.filter((flag) => flag !== '--instance').join('|')}) ((++at)) ;;
      -*) ;;
      *) verb+=\${verb:+ }$words[at] ;;
    esac
  done
  case $words[CURRENT-1] in
${values.map(({ flags, completes }) => `    ${flags.join('|')}) ${offer(completes)}; return ;;`).join('\n')}
    ${valued.filter((flag) => !values.some(({ flags }) => flags.includes(flag))).join('|')}) return ;;
  esac
  case $verb in
${places.map(({ after, words }) => `    ${quoted(after)}) offers=(${entries(words)}); _describe verb offers ;;`).join('\n')}
${verbs.map(verbCase).join('\n')}
  esac
  [[ $words[CURRENT] != -* ]] || _describe flag flags
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _vwire "$@"
else
  compdef _vwire vwire
fi
`;
