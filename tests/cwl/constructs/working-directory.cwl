# What InitialWorkDirRequirement puts there: directories that are made, secondary files, files of the document.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
  InitialWorkDirRequirement:
    listing:
      - entryname: gathered
        entry: "${ return {class: 'Directory', listing: inputs.files}; }"
      - {class: File, location: folder/one.txt, basename: note.txt}
      - entry: $(inputs.main)
inputs:
  files: "File[]"
  main: {type: File, secondaryFiles: [.index]}
baseCommand: [sh, -c, "find -L . -type f ! -name said.txt | LC_ALL=C sort; cat note.txt main.dat.index"]
stdout: said.txt
outputs: {said: stdout}
