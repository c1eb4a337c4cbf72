# An ExpressionTool makes a directory out of a file that is given and one that is written down.
cwlVersion: v1.2
class: ExpressionTool
requirements:
  InlineJavascriptRequirement: {}
inputs:
  file: File
outputs:
  folder: Directory
expression: |
  ${
    return {"folder": {
      "class": "Directory", "basename": "bundle",
      "listing": [inputs.file, {"class": "File", "basename": "more.txt", "contents": "more\n"}]
    }};
  }
