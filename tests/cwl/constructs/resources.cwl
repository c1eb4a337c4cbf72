cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
  ResourceRequirement: {coresMin: $(inputs.cores * 2), coresMax: $(inputs.cores * 2), ramMin: 200, ramMax: 200, tmpdirMin: 10, tmpdirMax: 10}
inputs: {cores: int}
baseCommand: echo
arguments: [$(runtime.cores), $(runtime.ram), $(runtime.tmpdirSize)]
stdout: said.txt
outputs: {said: stdout}
