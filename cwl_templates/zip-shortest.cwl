cwlVersion: v1.2
class: ExpressionTool
doc: Lists, each cut to the length of the shortest.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  lists: Any[]
outputs:
  result: Any[]
expression: "${return {result: zipShortest(inputs.lists)};}"
