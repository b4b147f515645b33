import { Argument, type Command } from "commander";
import { makeCommand, type Runner } from "./command.ts";

/** Completion scripts are made from the commands themselves, so they cannot offer what is refused. */
export function completionCommand(runner: Runner, program: () => Command): Command {
  const about = {
    summary: "print a completion script",
    examples: ["completion bash > /etc/bash_completion.d/holdfast", "completion fish > ~/.config/fish/completions/holdfast.fish"],
  };
  return makeCommand("completion", about, runner, async ({ io, args }) => {
    const script = SCRIPTS[args[0] as keyof typeof SCRIPTS](wordsOf(program()));
    io.document({ schema: "holdfast.completion/1", shell: args[0], script });
    io.print(script);
    return 0;
  }).addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]));
}

/** For each command path ("", "backup", "backup list") the words that may follow. */
function wordsOf(program: Command): readonly (readonly [path: string, words: readonly string[]])[] {
  const result: (readonly [string, readonly string[]])[] = [];
  const global = longOptions(program);
  const visit = (command: Command, path: string): void => {
    const visible = command.createHelp().visibleCommands(command);
    // A group with a default command takes that command's options as well.
    const fallback = visible.find((sub) => sub.name() === "create");
    const words = [
      ...visible.map((sub) => sub.name()),
      ...longOptions(command),
      ...(fallback === undefined ? [] : longOptions(fallback)),
      ...global,
    ];
    result.push([path, [...new Set(words)]]);
    for (const sub of visible) if (sub.name() !== "help") visit(sub, path === "" ? sub.name() : `${path} ${sub.name()}`);
  };
  visit(program, "");
  return result;
}

function longOptions(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
}

type Words = ReturnType<typeof wordsOf>;

const SCRIPTS = {
  bash: (words: Words) => {
    const paths = words.map(([path]) => path).filter((path) => path !== "");
    return `_holdfast() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.map((path) => JSON.stringify(path)).join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${words.map(([path, list]) => `    ${JSON.stringify(path)}) words=${JSON.stringify(list.join(" "))} ;;`).join("\n")}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _holdfast holdfast`;
  },
  zsh: (words: Words) => `#compdef holdfast
autoload -U +X bashcompinit && bashcompinit
${SCRIPTS.bash(words)}`,
  fish: (words: Words) =>
    words
      .flatMap(([path, list]) =>
        list.map((word) => {
          const condition =
            path === ""
              ? "__fish_use_subcommand"
              : path
                  .split(" ")
                  .map((part) => `__fish_seen_subcommand_from ${part}`)
                  .join("; and ");
          return word.startsWith("--")
            ? `complete -c holdfast -n '${condition}' -l ${word.slice(2)}`
            : `complete -c holdfast -n '${condition}' -f -a ${word}`;
        }),
      )
      .join("\n"),
} as const;
