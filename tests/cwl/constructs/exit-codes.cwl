cwlVersion: v1.2
class: CommandLineTool
inputs: []
baseCommand: [sh, -c, "echo made > made.txt; exit 7"]
successCodes: [7]
permanentFailCodes: [0]
outputs:
  code: {type: int, outputBinding: {outputEval: $(runtime.exitCode)}}
  made: {type: File, outputBinding: {glob: made.txt}}
