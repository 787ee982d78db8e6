// `completion SHELL`: a script that lets a shell ask discli what may come next.

import { ExitStatus, type Request } from "../command.js";

const bash = `# discli for bash: source <(discli completion bash), or keep it as
# /usr/share/bash-completion/completions/discli
_discli() {
  local -a found
  mapfile -t found < <("\${1/#\\~/$HOME}" complete bash -- "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  if [ "\${found[0]}" = ":files" ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    return
  fi
  compopt -o nospace
  COMPREPLY=("\${found[@]}")
}
complete -F _discli discli
`;

const zsh = `#compdef discli
# discli for zsh: source <(discli completion zsh), or keep it as _discli in a
# folder of $fpath
_discli() {
  local -a found
  found=("\${(@f)$("\${(Q)words[1]}" complete zsh -- "\${(@Q)words[2,CURRENT-1]}" \\
    "\${(Q)PREFIX}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if [[ \${found[1]} == :files ]]; then
    _files
    return
  fi
  compadd -S '' -- "\${(@M)found:#*=}"
  compadd -- "\${(@)found:#*=}"
}
if [[ \${funcstack[1]} == _discli ]]; then
  _discli
else
  compdef _discli discli
fi
`;

const fish = `# discli for fish: discli completion fish | source, or keep it as
# ~/.config/fish/completions/discli.fish
function __discli_complete
  set -l typed (commandline -opc)
  set -l program $typed[1]
  set -e typed[1]
  set -l current (commandline -ct | string unescape)
  set -l found ($program complete fish -- $typed "$current" 2>/dev/null)
  if test "$found[1]" = ":files"
    __fish_complete_path "$current"
    return
  end
  string join \\n -- $found
end
complete -c discli -f -a '(__discli_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export async function run({ words, output }: Request): Promise<ExitStatus> {
  output.print(scripts[words[0] as string] as string);
  return ExitStatus.done;
}
