import type { Completes } from '../shell/verb.ts';
import { type Model, type Word, listing, quoted } from './model.ts';

function offer(completes: Completes): string {
  switch (completes) {
    case 'netns':
      return '_vwire_offer "$cur" < <(_vwire_netns)';
    case 'wire':
    case 'connection':
    case 'endpoint':
    case 'service':
      return `_vwire_offer "$cur" < <(vwire ${listing[completes]} --quiet --instance "$instance" 2>/dev/null)`;
    case 'file':
      return 'mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames';
    case 'directory':
      return 'mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames';
    default:
      return `_vwire_offer "$cur" < <(printf '%s\\n' ${completes.map(quoted).join(' ')})`;
  }
}

const list = (words: readonly Word[]): string => words.map(({ word }) => quoted(word)).join(' ');

function verbCase({ path, flags, completes }: Model['verbs'][number]): string {
  const rest = completes === null ? '' : `\n      ${offer(completes)}`;
  return `    ${quoted(path)} | ${quoted(`${path} `)}*)
      flags+=(${list(flags)})${rest} ;;`;
}

/**
 * A script that runs nothing but itself, except for names of wires. Names come from other people: they are
 * compared and quoted here, because `compgen -W` would expand a `$(...)` in them.
 */
export const bashScript = ({
  places,
  common,
  verbs,
  values,
  valued,
}: Model): string => `# vwire completion for bash
# Try it:  source <(vwire completion bash)
# Keep it: vwire completion bash > /etc/bash_completion.d/vwire

_vwire_offer() {
  local word cut=""
  # Readline replaces only what is behind the last break character of the word.
  [[ $1 == *[:=]* ]] && cut=\${1%"\${1##*[:=]}"}
  while IFS= read -r word; do
    [[ $word == "$1"* ]] || continue
    printf -v word %q "\${word#"$cut"}"
    COMPREPLY+=("$word")
  done
}

_vwire_netns() {
  local path
  for path in /run/netns/*; do
    [[ -e $path ]] && printf '%s\\nname:%s\\n' "\${path##*/}" "\${path##*/}"
  done
}

_vwire() {
  local line=\${COMP_LINE:0:COMP_POINT} instance=default verb="" cur prev at
  local -a typed=() flags=(${list(common)})
  COMPREPLY=()
  read -r -a typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=("")
  cur=\${typed[-1]} prev=""
  ((\${#typed[@]} > 1)) && prev=\${typed[-2]}
  for ((at = 1; at < \${#typed[@]} - 1; at++)); do
    case \${typed[at]} in
    --instance) instance=\${typed[++at]} ;;
    ${valued.filter((flag) => flag !== '--instance').join(' | ')}) ((++at)) ;;
    -*) ;;
    *) verb+=\${verb:+ }\${typed[at]} ;;
    esac
  done
  case $prev in
${values.map(({ flags, completes }) => `  ${flags.join(' | ')})\n    ${offer(completes)}\n    return ;;`).join('\n')}
  ${valued.filter((flag) => !values.some(({ flags }) => flags.includes(flag))).join(' | ')}) return ;;
  esac
  case $verb in
${places.map(({ after, words }) => `    ${quoted(after)}) _vwire_offer "$cur" < <(printf '%s\\n' ${list(words)}) ;;`).join('\n')}
${verbs.map(verbCase).join('\n')}
  esac
  [[ $cur != -* ]] || _vwire_offer "$cur" < <(printf '%s\\n' "\${flags[@]}")
}

complete -F _vwire vwire
`;
