cwlVersion: v1.2
class: ExpressionTool
doc: The characters of a string.
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: lists.js
inputs:
  text: string
outputs:
  result: string[]
expression: "${return {result: characters(inputs.text)};}"
