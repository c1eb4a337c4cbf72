cwlVersion: v1.2
class: ExpressionTool
doc: The element of a list of one; any other list as it is.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  list:
    type:
      type: array
      items: ["null", Any]
outputs:
  result: Any
expression: "${return {result: unwrapSingle(inputs.list)};}"
