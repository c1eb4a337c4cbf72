cwlVersion: v1.2
class: ExpressionTool
doc: A given number of consecutive parts of a list, nearly equal in length, the longer ones last.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  list:
    type:
      type: array
      items: ["null", Any]
  count: int
outputs:
  result: Any[]
expression: "${return {result: partitions(inputs.list, inputs.count)};}"
