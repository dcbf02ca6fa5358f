# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of qscope for fish: commands, options and methods, all asked from the program itself, then files.
function __qscope_commands
    qscope --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z]\{1,\}\)  *\(.*\)/\1\t\2/p'
end
function __qscope_command
    set -l commands (__qscope_commands | string split --fields 1 \t)
    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..]
        contains -- $word $commands; and echo $word; and return
    end
    return 1
end
function __qscope_options
    begin
        qscope --help
        qscope (__qscope_command) --help
    end 2>/dev/null | string match --regex --all -- '--[a-z][a-z-]*' | sort --unique
end
function __qscope_methods
    qscope methods --quiet 2>/dev/null | string replace --filter --regex '^([a-z0-9_]+): .*' '$1'
end

complete --command qscope --condition 'not __qscope_command >/dev/null' --no-files --arguments '(__qscope_commands)'
complete --command qscope --condition 'string match --quiet -- "-*" (commandline --current-token)' --arguments '(__qscope_options)'
complete --command qscope --short-option m --long-option method --exclusive --arguments '(__qscope_methods)'
complete --command qscope --long-option scoring --exclusive --arguments 'windows second-half'
complete --command qscope --long-option device --exclusive --arguments 'auto cpu vulkan'
