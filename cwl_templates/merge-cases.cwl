cwlVersion: v1.2
class: ExpressionTool
doc: >-
  Lists of equal length, one per case, null where a case did not apply; at each position the first value that is not null.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  lists: Any[]
outputs:
  result: Any[]
expression: "${return {result: mergeCases(inputs.lists)};}"
