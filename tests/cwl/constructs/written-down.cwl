# Files and directories that are written down in values, or are to have another name.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  ShellCommandRequirement: {}
inputs:
  text: File
  folder: Directory
  renamed: File
  usual:
    type: File
    default: {class: File, basename: usual.txt, contents: "by default\n"}
arguments:
  - {shellQuote: false, valueFrom: "cat "}
  - $(inputs.text)
  - $(inputs.usual)
  - $(inputs.folder.path)/inner/note.txt
  - $(inputs.folder.path)/one.txt
  - {shellQuote: false, valueFrom: "&& echo "}
  - $(inputs.renamed.basename)
stdout: all.txt
outputs:
  all: stdout
