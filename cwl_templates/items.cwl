cwlVersion: v1.2
class: ExpressionTool
doc: The same part, reached by keys and indices, of every element of a list.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  list:
    type:
      type: array
      items: ["null", Any]
  path: Any[]
outputs:
  result: Any[]
expression: "${return {result: partOfEach(inputs.list, inputs.path)};}"
