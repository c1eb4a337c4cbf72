cwlVersion: v1.2
class: ExpressionTool
doc: Consecutive parts of a list, each of the given size; the last may be shorter.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  list:
    type:
      type: array
      items: ["null", Any]
  size: int
outputs:
  result: Any[]
expression: "${return {result: batches(inputs.list, inputs.size)};}"
