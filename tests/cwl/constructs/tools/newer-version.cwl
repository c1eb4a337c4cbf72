cwlVersion: v1.2
class: CommandLineTool
requirements: {ResourceRequirement: {coresMin: 0.5}}
baseCommand: echo
inputs:
  greeting: {type: string, inputBinding: {position: 1}}
  word: {type: string, inputBinding: {position: 2}}
stdout: said.txt
outputs: {said: stdout}
