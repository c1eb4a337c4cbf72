cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, StepInputExpressionRequirement: {}, InlineJavascriptRequirement: {}}
inputs: {letters: "string[]", numbers: "int[]", marks: "string[]"}
steps:
  join:
    scatter: [letter, number, mark]
    scatterMethod: nested_crossproduct
    in:
      letter: letters
      number: numbers
      mark: {source: marks, valueFrom: $(self)$(inputs.letter)}
    out: [said]
    run:
      class: CommandLineTool
      requirements: {InlineJavascriptRequirement: {}}
      baseCommand: [echo, -n]
      inputs:
        letter: {type: string, inputBinding: {position: 1}}
        number: {type: int, inputBinding: {position: 2}}
        mark: {type: string, inputBinding: {position: 3}}
      stdout: said.txt
      outputs:
        said: {type: string, outputBinding: {glob: said.txt, loadContents: true, outputEval: "$(self[0].contents)"}}
outputs:
  table: {type: {type: array, items: {type: array, items: {type: array, items: string}}}, outputSource: join/said}
