cwlVersion: v1.2
class: ExpressionTool
doc: A value as it is, for places where CWL needs a single source.
requirements:
  InlineJavascriptRequirement: {}
inputs:
  value: ["null", Any]
outputs:
  result: Any
expression: "${return {result: inputs.value};}"
