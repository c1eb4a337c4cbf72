cwlVersion: v1.2
class: ExpressionTool
doc: Elements that are lists are replaced by their own elements, one level deep.
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
expression: "${return {result: flattenOnce(inputs.list)};}"
