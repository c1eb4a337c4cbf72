cwlVersion: v1.2
class: ExpressionTool
doc: One element of a list, counted from 0.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  list:
    type:
      type: array
      items: ["null", Any]
  index: int
outputs:
  result: Any
expression: "${return {result: elementAt(inputs.list, inputs.index)};}"
