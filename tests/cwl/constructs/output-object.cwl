# A tool that writes its output object itself.
cwlVersion: v1.2
class: CommandLineTool
inputs: []
baseCommand: [sh, -c]
arguments:
  - |
    echo one > one.txt; mkdir d; echo two > d/two.txt
    printf '%s' '{"file": {"class": "File", "path": "one.txt"}, "number": 2.5e3, "text": "a \"b\" c",
      "record": {"names": ["x", "y"], "folder": {"class": "Directory", "location": "d"}}}' > cwl.output.json
outputs:
  file: File
  number: float
  text: string
  absent: {type: File?, outputBinding: {glob: nothing}}
  record:
    type:
      type: record
      fields: {names: "string[]", folder: Directory}
