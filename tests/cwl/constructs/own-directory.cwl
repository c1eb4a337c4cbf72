# A tool sees nothing in its directory that it was not given; its own directories are in its variables.
cwlVersion: v1.2
class: CommandLineTool
requirements: {ShellCommandRequirement: {}}
inputs: []
arguments:
  - {valueFrom: 'ls -A > seen.txt && test "$HOME" = "$PWD" && test -d "$TMPDIR" &&', shellQuote: false}
  - {valueFrom: '! test "$TMPDIR" = "$HOME" && test "$HOME" =', shellQuote: false}
  - $(runtime.outdir)
outputs:
  seen: {type: File, outputBinding: {glob: seen.txt}}
