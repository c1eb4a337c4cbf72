/*
 * YAML text to a value, as Python's yaml.safe_load reads it.
 *
 *   parseYaml(text)   the value; an error names line and column
 *
 * YAML 1.1 as in PyYAML: yes, no, on and off are booleans, 017 and 0x1f and 1:30 are whole numbers, 1e5 is text
 * (a number needs a point and a signed exponent: 1.0e+5), a repeated key keeps its last value, empty text is null.
 * Other than there: a date stays text, a number has the precision of a double, 2.0 cannot be told from 2, the
 * keys of a mapping are text, and the tags !!binary, !!set, !!omap, !!pairs and !!timestamp are refused.
 *
 * yamlLibrary is js-yaml 3.15.2 (https://github.com/nodeca/js-yaml), Copyright (C) 2011-2015 by Vitaly Puzrin,
 * MIT licence, text in js-yaml.LICENSE. It is the loader without the dumper and the predefined schemas: from
 * lib/js-yaml the modules loader.js (load), type.js (Type), schema.js (Schema), schema/failsafe.js (failsafe) and
 * type/merge.js (merge), bundled by esbuild (format iife, target es5, white space and names minified), with
 * schema/default_safe.js and schema/default_full.js replaced by schema/failsafe.js. In the bundle the name $ is
 * changed to z_, which no runner can take for an expression, and the helper's "throw n=0,r" to "n=0;throw r",
 * which cwltool's check of JavaScript understands.
 */

var yamlLibrary=(function(){var y=function(i,n){return function(){try{return n||i((n={exports:{}}).exports,n),n.exports}catch(r){n=0;throw r}}};var j=y(function(bn,S){"use strict";function Q(i){return typeof i==="undefined"||i===null}function qi(i){return typeof i===
"object"&&i!==null}function ji(i){if(Array.isArray(i))return i;else if(Q(i))return[];return[i]}function Bi(i,n){
var r,o,e,u;if(n){u=Object.keys(n);for(r=0,o=u.length;r<o;r+=1){e=u[r];i[e]=n[e]}}return i}function Pi(i,n){var r="",
o;for(o=0;o<n;o+=1){r+=i}return r}function Ni(i){return i===0&&Number.NEGATIVE_INFINITY===1/i}S.exports.isNothing=
Q;S.exports.isObject=qi;S.exports.toArray=ji;S.exports.repeat=Pi;S.exports.isNegativeZero=Ni;S.exports.extend=
Bi});var B=y(function(Sn,V){"use strict";function L(i,n){Error.call(this);this.name="YAMLException";this.reason=i;this.
mark=n;this.message=(this.reason||"(unknown reason)")+(this.mark?" "+this.mark.toString():"");if(Error.captureStackTrace){
Error.captureStackTrace(this,this.constructor)}else{this.stack=new Error().stack||""}}L.prototype=Object.create(
Error.prototype);L.prototype.constructor=L;L.prototype.toString=function i(n){var r=this.name+": ";r+=this.reason||
"(unknown reason)";if(!n&&this.mark){r+=" "+this.mark.toString()}return r};V.exports=L});var ii=y(function(En,J){"use strict";var Z=j();function H(i,n,r,o,e){this.name=i;this.buffer=n;this.position=r;
this.line=o;this.column=e}H.prototype.getSnippet=function i(n,r){var o,e,u,l,c;if(!this.buffer)return null;n=n||
4;r=r||75;o="";e=this.position;while(e>0&&"\0\r\n\x85\u2028\u2029".indexOf(this.buffer.charAt(e-1))===-1){e-=1;
if(this.position-e>r/2-1){o=" ... ";e+=5;break}}u="";l=this.position;while(l<this.buffer.length&&"\0\r\n\x85\u2028\u2029".
indexOf(this.buffer.charAt(l))===-1){l+=1;if(l-this.position>r/2-1){u=" ... ";l-=5;break}}c=this.buffer.slice(
e,l);return Z.repeat(" ",n)+o+c+u+"\n"+Z.repeat(" ",n+this.position-e+o.length)+"^"};H.prototype.toString=function i(n){
var r,o="";if(this.name){o+='in "'+this.name+'" '}o+="at line "+(this.line+1)+", column "+(this.column+1);if(!n){
r=this.getSnippet();if(r){o+=":\n"+r}}return o};J.exports=H});var E=y(function(_n,ri){"use strict";var ni=B();var Ki=["kind","resolve","construct","instanceOf","predicate",
"represent","defaultStyle","styleAliases"];var Yi=["scalar","sequence","mapping"];function Ri(i){var n={};if(i!==
null){Object.keys(i).forEach(function(r){i[r].forEach(function(o){n[String(o)]=r})})}return n}function Wi(i,n){
n=n||{};Object.keys(n).forEach(function(r){if(Ki.indexOf(r)===-1){throw new ni('Unknown option "'+r+'" is met \
in definition of "'+i+'" YAML type.')}});this.tag=i;this.kind=n["kind"]||null;this.resolve=n["resolve"]||function(){
return true};this.construct=n["construct"]||function(r){return r};this.instanceOf=n["instanceOf"]||null;this.predicate=
n["predicate"]||null;this.represent=n["represent"]||null;this.defaultStyle=n["defaultStyle"]||null;this.styleAliases=
Ri(n["styleAliases"]||null);if(Yi.indexOf(this.kind)===-1){throw new ni('Unknown kind "'+this.kind+'" is speci\
fied for "'+i+'" YAML type.')}}ri.exports=Wi});var G=y(function(Tn,oi){"use strict";var ei=j();var P=B();var Hi=E();function U(i,n,r){var o=[];i.include.forEach(
function(e){r=U(e,n,r)});i[n].forEach(function(e){r.forEach(function(u,l){if(u.tag===e.tag&&u.kind===e.kind){o.
push(l)}});r.push(e)});return r.filter(function(e,u){return o.indexOf(u)===-1})}function Ui(){var i={scalar:{},
sequence:{},mapping:{},fallback:{}},n,r;function o(e){i[e.kind][e.tag]=i["fallback"][e.tag]=e}for(n=0,r=arguments.
length;n<r;n+=1){arguments[n].forEach(o)}return i}function M(i){this.include=i.include||[];this.implicit=i.implicit||
[];this.explicit=i.explicit||[];this.implicit.forEach(function(n){if(n.loadKind&&n.loadKind!=="scalar"){throw new P(
"There is a non-scalar type in the implicit list of a schema. Implicit resolving of such types is not supporte\
d.")}});this.compiledImplicit=U(this,"implicit",[]);this.compiledExplicit=U(this,"explicit",[]);this.compiledTypeMap=
Ui(this.compiledImplicit,this.compiledExplicit)}M.DEFAULT=null;M.create=function i(){var n,r;switch(arguments.
length){case 1:n=M.DEFAULT;r=arguments[0];break;case 2:n=arguments[0];r=arguments[1];break;default:throw new P(
"Wrong number of arguments for Schema.create function")}n=ei.toArray(n);r=ei.toArray(r);if(!n.every(function(o){
return o instanceof M})){throw new P("Specified list of super schemas (or a single Schema object) contains a n\
on-Schema object.")}if(!r.every(function(o){return o instanceof Hi})){throw new P("Specified list of YAML type\
s (or a single Type object) contains a non-Type object.")}return new M({include:n,explicit:r})};oi.exports=M});var ui=y(function(Mn,li){"use strict";var Gi=E();li.exports=new Gi("tag:yaml.org,2002:str",{kind:"scalar",construct:function(i){
return i!==null?i:""}})});var fi=y(function(On,ci){"use strict";var Xi=E();ci.exports=new Xi("tag:yaml.org,2002:seq",{kind:"sequence",construct:function(i){
return i!==null?i:[]}})});var hi=y(function(Fn,pi){"use strict";var $i=E();pi.exports=new $i("tag:yaml.org,2002:map",{kind:"mapping",construct:function(i){
return i!==null?i:{}}})});var N=y(function(In,di){"use strict";var zi=G();di.exports=new zi({explicit:[ui(),fi(),hi()]})});var Ii=y(function(Dn,q){"use strict";var k=j();var Ci=B();var Qi=ii();var yi=N();var Vi=N();var b=Object.prototype.
hasOwnProperty;var K=1;var vi=2;var ki=3;var Y=4;var X=1;var Zi=2;var ai=3;var Ji=/[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x84\x86-\x9F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:[^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/;
var nn=/[\x85\u2028\u2029]/;var rn=/[,\[\]\{\}]/;var wi=/^(?:!|!!|![a-z\-]+!)$/i;var bi=/^(?:!|[^,\[\]\{\}])(?:%[0-9a-f]{2}|[0-9a-z\-#;\/\?:@&=\+\$,_\.!~\*'\(\)\[\]])*$/i;
function ti(i){return Object.prototype.toString.call(i)}function v(i){return i===10||i===13}function T(i){return i===
9||i===32}function C(i){return i===9||i===32||i===10||i===13}function O(i){return i===44||i===91||i===93||i===
123||i===125}function en(i){var n;if(48<=i&&i<=57){return i-48}n=i|32;if(97<=n&&n<=102){return n-97+10}return-1}
function on(i){if(i===120){return 2}if(i===117){return 4}if(i===85){return 8}return 0}function ln(i){if(48<=i&&
i<=57){return i-48}return-1}function xi(i){return i===48?"\0":i===97?"\x07":i===98?"\b":i===116?"	":i===9?"	":
i===110?"\n":i===118?"\v":i===102?"\f":i===114?"\r":i===101?"\x1B":i===32?" ":i===34?'"':i===47?"/":i===92?"\\":
i===78?"\x85":i===95?"\xA0":i===76?"\u2028":i===80?"\u2029":""}function un(i){if(i<=65535){return String.fromCharCode(
i)}return String.fromCharCode((i-65536>>10)+55296,(i-65536&1023)+56320)}function Si(i,n,r){if(n==="__proto__"){
Object.defineProperty(i,n,{configurable:true,enumerable:true,writable:true,value:r})}else{i[n]=r}}var Ei=new Array(
256);var _i=new Array(256);for(_=0;_<256;_++){Ei[_]=xi(_)?1:0;_i[_]=xi(_)}var _;function cn(i,n){this.input=i;
this.filename=n["filename"]||null;this.schema=n["schema"]||Vi;this.onWarning=n["onWarning"]||null;this.legacy=
n["legacy"]||false;this.json=n["json"]||false;this.listener=n["listener"]||null;this.maxTotalMergeKeys=typeof n["\
maxTotalMergeKeys"]==="number"?n["maxTotalMergeKeys"]:1e4;this.implicitTypes=this.schema.compiledImplicit;this.
typeMap=this.schema.compiledTypeMap;this.length=i.length;this.position=0;this.line=0;this.lineStart=0;this.lineIndent=
0;this.totalMergeKeys=0;this.documents=[]}function Ti(i,n){return new Ci(n,new Qi(i.filename,i.input,i.position,
i.line,i.position-i.lineStart))}function f(i,n){throw Ti(i,n)}function R(i,n){if(i.onWarning){i.onWarning.call(
null,Ti(i,n))}}var si={YAML:function i(n,r,o){var e,u,l;if(n.version!==null){f(n,"duplication of %YAML directi\
ve")}if(o.length!==1){f(n,"YAML directive accepts exactly one argument")}e=/^([0-9]+)\.([0-9]+)$/.exec(o[0]);if(e===
null){f(n,"ill-formed argument of the YAML directive")}u=parseInt(e[1],10);l=parseInt(e[2],10);if(u!==1){f(n,"\
unacceptable YAML version of the document")}n.version=o[0];n.checkLineBreaks=l<2;if(l!==1&&l!==2){R(n,"unsuppo\
rted YAML version of the document")}},TAG:function i(n,r,o){var e,u;if(o.length!==2){f(n,"TAG directive accept\
s exactly two arguments")}e=o[0];u=o[1];if(!wi.test(e)){f(n,"ill-formed tag handle (first argument) of the TAG\
 directive")}if(b.call(n.tagMap,e)){f(n,'there is a previously declared suffix for "'+e+'" tag handle')}if(!bi.
test(u)){f(n,"ill-formed tag prefix (second argument) of the TAG directive")}n.tagMap[e]=u}};function w(i,n,r,o){
var e,u,l,c;if(n<r){c=i.input.slice(n,r);if(o){for(e=0,u=c.length;e<u;e+=1){l=c.charCodeAt(e);if(!(l===9||32<=
l&&l<=1114111)){f(i,"expected valid JSON character")}}}else if(Ji.test(c)){f(i,"the stream contains non-printa\
ble characters")}i.result+=c}}function gi(i){i.totalMergeKeys+=1;if(i.maxTotalMergeKeys!==-1&&i.totalMergeKeys>
i.maxTotalMergeKeys){f(i,"merge keys exceeded maxTotalMergeKeys ("+i.maxTotalMergeKeys+")")}}function mi(i,n,r,o){
var e,u,l,c;if(!k.isObject(r)){f(i,"cannot merge mappings; the provided source object is unacceptable")}gi(i);
e=Object.keys(r);for(l=0,c=e.length;l<c;l+=1){u=e[l];gi(i);if(!b.call(n,u)){Si(n,u,r[u]);o[u]=true}}}function F(i,n,r,o,e,u,l,c){
var p,t;if(Array.isArray(e)){e=Array.prototype.slice.call(e);for(p=0,t=e.length;p<t;p+=1){if(Array.isArray(e[p])){
f(i,"nested arrays are not supported inside keys")}if(typeof e==="object"&&ti(e[p])==="[object Object]"){e[p]=
"[object Object]"}}}if(typeof e==="object"&&ti(e)==="[object Object]"){e="[object Object]"}e=String(e);if(n===
null){n={}}if(o==="tag:yaml.org,2002:merge"){if(Array.isArray(u)){if(u.length>100){f(i,"abnormal merge sequenc\
e size")}for(p=0,t=u.length;p<t;p+=1){mi(i,n,u[p],r)}}else{mi(i,n,u,r)}}else{if(!i.json&&!b.call(r,e)&&b.call(
n,e)){i.line=l||i.line;i.position=c||i.position;f(i,"duplicated mapping key")}Si(n,e,u);delete r[e]}return n}function z_(i){
var n;n=i.input.charCodeAt(i.position);if(n===10){i.position++}else if(n===13){i.position++;if(i.input.charCodeAt(
i.position)===10){i.position++}}else{f(i,"a line break is expected")}i.line+=1;i.lineStart=i.position}function g(i,n,r){
var o=0,e=i.input.charCodeAt(i.position);while(e!==0){while(T(e)){e=i.input.charCodeAt(++i.position)}if(n&&e===
35){do{e=i.input.charCodeAt(++i.position)}while(e!==10&&e!==13&&e!==0)}if(v(e)){z_(i);e=i.input.charCodeAt(i.position);
o++;i.lineIndent=0;while(e===32){i.lineIndent++;e=i.input.charCodeAt(++i.position)}}else{break}}if(r!==-1&&o!==
0&&i.lineIndent<r){R(i,"deficient indentation")}return o}function W(i){var n=i.position,r;r=i.input.charCodeAt(
n);if((r===45||r===46)&&r===i.input.charCodeAt(n+1)&&r===i.input.charCodeAt(n+2)){n+=3;r=i.input.charCodeAt(n);
if(r===0||C(r)){return true}}return false}function z(i,n){if(n===1){i.result+=" "}else if(n>1){i.result+=k.repeat(
"\n",n-1)}}function fn(i,n,r){var o,e,u,l,c,p,t,s,h=i.kind,m=i.result,d;d=i.input.charCodeAt(i.position);if(C(
d)||O(d)||d===35||d===38||d===42||d===33||d===124||d===62||d===39||d===34||d===37||d===64||d===96){return false}
if(d===63||d===45){e=i.input.charCodeAt(i.position+1);if(C(e)||r&&O(e)){return false}}i.kind="scalar";i.result=
"";u=l=i.position;c=false;while(d!==0){if(d===58){e=i.input.charCodeAt(i.position+1);if(C(e)||r&&O(e)){break}}else if(d===
35){o=i.input.charCodeAt(i.position-1);if(C(o)){break}}else if(i.position===i.lineStart&&W(i)||r&&O(d)){break}else if(v(
d)){p=i.line;t=i.lineStart;s=i.lineIndent;g(i,false,-1);if(i.lineIndent>=n){c=true;d=i.input.charCodeAt(i.position);
continue}else{i.position=l;i.line=p;i.lineStart=t;i.lineIndent=s;break}}if(c){w(i,u,l,false);z(i,i.line-p);u=l=
i.position;c=false}if(!T(d)){l=i.position+1}d=i.input.charCodeAt(++i.position)}w(i,u,l,false);if(i.result){return true}
i.kind=h;i.result=m;return false}function pn(i,n){var r,o,e;r=i.input.charCodeAt(i.position);if(r!==39){return false}
i.kind="scalar";i.result="";i.position++;o=e=i.position;while((r=i.input.charCodeAt(i.position))!==0){if(r===39){
w(i,o,i.position,true);r=i.input.charCodeAt(++i.position);if(r===39){o=i.position;i.position++;e=i.position}else{
return true}}else if(v(r)){w(i,o,e,true);z(i,g(i,false,n));o=e=i.position}else if(i.position===i.lineStart&&W(
i)){f(i,"unexpected end of the document within a single quoted scalar")}else{i.position++;e=i.position}}f(i,"u\
nexpected end of the stream within a single quoted scalar")}function hn(i,n){var r,o,e,u,l,c;c=i.input.charCodeAt(
i.position);if(c!==34){return false}i.kind="scalar";i.result="";i.position++;r=o=i.position;while((c=i.input.charCodeAt(
i.position))!==0){if(c===34){w(i,r,i.position,true);i.position++;return true}else if(c===92){w(i,r,i.position,
true);c=i.input.charCodeAt(++i.position);if(v(c)){g(i,false,n)}else if(c<256&&Ei[c]){i.result+=_i[c];i.position++}else if((l=
on(c))>0){e=l;u=0;for(;e>0;e--){c=i.input.charCodeAt(++i.position);if((l=en(c))>=0){u=(u<<4)+l}else{f(i,"expec\
ted hexadecimal character")}}i.result+=un(u);i.position++}else{f(i,"unknown escape sequence")}r=o=i.position}else if(v(
c)){w(i,r,o,true);z(i,g(i,false,n));r=o=i.position}else if(i.position===i.lineStart&&W(i)){f(i,"unexpected end\
 of the document within a double quoted scalar")}else{i.position++;o=i.position}}f(i,"unexpected end of the st\
ream within a double quoted scalar")}function dn(i,n){var r=true,o,e=i.tag,u,l=i.anchor,c,p,t,s,h,m={},d,x,A,a;
a=i.input.charCodeAt(i.position);if(a===91){p=93;h=false;u=[]}else if(a===123){p=125;h=true;u={}}else{return false}
if(i.anchor!==null){i.anchorMap[i.anchor]=u}a=i.input.charCodeAt(++i.position);while(a!==0){g(i,true,n);a=i.input.
charCodeAt(i.position);if(a===p){i.position++;i.tag=e;i.anchor=l;i.kind=h?"mapping":"sequence";i.result=u;return true}else if(!r){
f(i,"missed comma between flow collection entries")}x=d=A=null;t=s=false;if(a===63){c=i.input.charCodeAt(i.position+
1);if(C(c)){t=s=true;i.position++;g(i,true,n)}}o=i.line;I(i,n,K,false,true);x=i.tag;d=i.result;g(i,true,n);a=i.
input.charCodeAt(i.position);if((s||i.line===o)&&a===58){t=true;a=i.input.charCodeAt(++i.position);g(i,true,n);
I(i,n,K,false,true);A=i.result}if(h){F(i,u,m,x,d,A)}else if(t){u.push(F(i,null,m,x,d,A))}else{u.push(d)}g(i,true,
n);a=i.input.charCodeAt(i.position);if(a===44){r=true;a=i.input.charCodeAt(++i.position)}else{r=false}}f(i,"un\
expected end of the stream within a flow collection")}function an(i,n){var r,o,e=X,u=false,l=false,c=n,p=0,t=false,
s,h;h=i.input.charCodeAt(i.position);if(h===124){o=false}else if(h===62){o=true}else{return false}i.kind="scal\
ar";i.result="";while(h!==0){h=i.input.charCodeAt(++i.position);if(h===43||h===45){if(X===e){e=h===43?ai:Zi}else{
f(i,"repeat of a chomping mode identifier")}}else if((s=ln(h))>=0){if(s===0){f(i,"bad explicit indentation wid\
th of a block scalar; it cannot be less than one")}else if(!l){c=n+s-1;l=true}else{f(i,"repeat of an indentati\
on width identifier")}}else{break}}if(T(h)){do{h=i.input.charCodeAt(++i.position)}while(T(h));if(h===35){do{h=
i.input.charCodeAt(++i.position)}while(!v(h)&&h!==0)}}while(h!==0){z_(i);i.lineIndent=0;h=i.input.charCodeAt(i.
position);while((!l||i.lineIndent<c)&&h===32){i.lineIndent++;h=i.input.charCodeAt(++i.position)}if(!l&&i.lineIndent>
c){c=i.lineIndent}if(v(h)){p++;continue}if(i.lineIndent<c){if(e===ai){i.result+=k.repeat("\n",u?1+p:p)}else if(e===
X){if(u){i.result+="\n"}}break}if(o){if(T(h)){t=true;i.result+=k.repeat("\n",u?1+p:p)}else if(t){t=false;i.result+=
k.repeat("\n",p+1)}else if(p===0){if(u){i.result+=" "}}else{i.result+=k.repeat("\n",p)}}else{i.result+=k.repeat(
"\n",u?1+p:p)}u=true;l=true;p=0;r=i.position;while(!v(h)&&h!==0){h=i.input.charCodeAt(++i.position)}w(i,r,i.position,
false)}return true}function Ai(i,n){var r,o=i.tag,e=i.anchor,u=[],l,c=false,p;if(i.anchor!==null){i.anchorMap[i.
anchor]=u}p=i.input.charCodeAt(i.position);while(p!==0){if(p!==45){break}l=i.input.charCodeAt(i.position+1);if(!C(
l)){break}c=true;i.position++;if(g(i,true,-1)){if(i.lineIndent<=n){u.push(null);p=i.input.charCodeAt(i.position);
continue}}r=i.line;I(i,n,ki,false,true);u.push(i.result);g(i,true,-1);p=i.input.charCodeAt(i.position);if((i.line===
r||i.lineIndent>n)&&p!==0){f(i,"bad indentation of a sequence entry")}else if(i.lineIndent<n){break}}if(c){i.tag=
o;i.anchor=e;i.kind="sequence";i.result=u;return true}return false}function tn(i,n,r){var o,e,u,l,c=i.tag,p=i.
anchor,t={},s={},h=null,m=null,d=null,x=false,A=false,a;if(i.anchor!==null){i.anchorMap[i.anchor]=t}a=i.input.
charCodeAt(i.position);while(a!==0){o=i.input.charCodeAt(i.position+1);u=i.line;l=i.position;if((a===63||a===58)&&
C(o)){if(a===63){if(x){F(i,t,s,h,m,null);h=m=d=null}A=true;x=true;e=true}else if(x){x=false;e=true}else{f(i,"i\
ncomplete explicit mapping pair; a key node is missed; or followed by a non-tabulated empty line")}i.position+=
1;a=o}else if(I(i,r,vi,false,true)){if(i.line===u){a=i.input.charCodeAt(i.position);while(T(a)){a=i.input.charCodeAt(
++i.position)}if(a===58){a=i.input.charCodeAt(++i.position);if(!C(a)){f(i,"a whitespace character is expected \
after the key-value separator within a block mapping")}if(x){F(i,t,s,h,m,null);h=m=d=null}A=true;x=false;e=false;
h=i.tag;m=i.result}else if(A){f(i,"can not read an implicit mapping pair; a colon is missed")}else{i.tag=c;i.anchor=
p;return true}}else if(A){f(i,"can not read a block mapping entry; a multiline key may not be an implicit key")}else{
i.tag=c;i.anchor=p;return true}}else{break}if(i.line===u||i.lineIndent>n){if(I(i,n,Y,true,e)){if(x){m=i.result}else{
d=i.result}}if(!x){F(i,t,s,h,m,d,u,l);h=m=d=null}g(i,true,-1);a=i.input.charCodeAt(i.position)}if(i.lineIndent>
n&&a!==0){f(i,"bad indentation of a mapping entry")}else if(i.lineIndent<n){break}}if(x){F(i,t,s,h,m,null)}if(A){
i.tag=c;i.anchor=p;i.kind="mapping";i.result=t}return A}function xn(i){var n,r=false,o=false,e,u,l;l=i.input.charCodeAt(
i.position);if(l!==33)return false;if(i.tag!==null){f(i,"duplication of a tag property")}l=i.input.charCodeAt(
++i.position);if(l===60){r=true;l=i.input.charCodeAt(++i.position)}else if(l===33){o=true;e="!!";l=i.input.charCodeAt(
++i.position)}else{e="!"}n=i.position;if(r){do{l=i.input.charCodeAt(++i.position)}while(l!==0&&l!==62);if(i.position<
i.length){u=i.input.slice(n,i.position);l=i.input.charCodeAt(++i.position)}else{f(i,"unexpected end of the str\
eam within a verbatim tag")}}else{while(l!==0&&!C(l)){if(l===33){if(!o){e=i.input.slice(n-1,i.position+1);if(!wi.
test(e)){f(i,"named tag handle cannot contain such characters")}o=true;n=i.position+1}else{f(i,"tag suffix can\
not contain exclamation marks")}}l=i.input.charCodeAt(++i.position)}u=i.input.slice(n,i.position);if(rn.test(u)){
f(i,"tag suffix cannot contain flow indicator characters")}}if(u&&!bi.test(u)){f(i,"tag name cannot contain su\
ch characters: "+u)}if(r){i.tag=u}else if(b.call(i.tagMap,e)){i.tag=i.tagMap[e]+u}else if(e==="!"){i.tag="!"+u}else if(e===
"!!"){i.tag="tag:yaml.org,2002:"+u}else{f(i,'undeclared tag handle "'+e+'"')}return true}function sn(i){var n,
r;r=i.input.charCodeAt(i.position);if(r!==38)return false;if(i.anchor!==null){f(i,"duplication of an anchor pr\
operty")}r=i.input.charCodeAt(++i.position);n=i.position;while(r!==0&&!C(r)&&!O(r)){r=i.input.charCodeAt(++i.position)}
if(i.position===n){f(i,"name of an anchor node must contain at least one character")}i.anchor=i.input.slice(n,
i.position);return true}function gn(i){var n,r,o;o=i.input.charCodeAt(i.position);if(o!==42)return false;o=i.input.
charCodeAt(++i.position);n=i.position;while(o!==0&&!C(o)&&!O(o)){o=i.input.charCodeAt(++i.position)}if(i.position===
n){f(i,"name of an alias node must contain at least one character")}r=i.input.slice(n,i.position);if(!b.call(i.
anchorMap,r)){f(i,'unidentified alias "'+r+'"')}i.result=i.anchorMap[r];g(i,true,-1);return true}function I(i,n,r,o,e){
var u,l,c,p=1,t=false,s=false,h,m,d,x,A;if(i.listener!==null){i.listener("open",i)}i.tag=null;i.anchor=null;i.
kind=null;i.result=null;u=l=c=Y===r||ki===r;if(o){if(g(i,true,-1)){t=true;if(i.lineIndent>n){p=1}else if(i.lineIndent===
n){p=0}else if(i.lineIndent<n){p=-1}}}if(p===1){while(xn(i)||sn(i)){if(g(i,true,-1)){t=true;c=u;if(i.lineIndent>
n){p=1}else if(i.lineIndent===n){p=0}else if(i.lineIndent<n){p=-1}}else{c=false}}}if(c){c=t||e}if(p===1||Y===r){
if(K===r||vi===r){x=n}else{x=n+1}A=i.position-i.lineStart;if(p===1){if(c&&(Ai(i,A)||tn(i,A,x))||dn(i,x)){s=true}else{
if(l&&an(i,x)||pn(i,x)||hn(i,x)){s=true}else if(gn(i)){s=true;if(i.tag!==null||i.anchor!==null){f(i,"alias nod\
e should not have any properties")}}else if(fn(i,x,K===r)){s=true;if(i.tag===null){i.tag="?"}}if(i.anchor!==null){
i.anchorMap[i.anchor]=i.result}}}else if(p===0){s=c&&Ai(i,A)}}if(i.tag!==null&&i.tag!=="!"){if(i.tag==="?"){if(i.
result!==null&&i.kind!=="scalar"){f(i,'unacceptable node kind for !<?> tag; it should be "scalar", not "'+i.kind+
'"')}for(h=0,m=i.implicitTypes.length;h<m;h+=1){d=i.implicitTypes[h];if(d.resolve(i.result)){i.result=d.construct(
i.result);i.tag=d.tag;if(i.anchor!==null){i.anchorMap[i.anchor]=i.result}break}}}else if(b.call(i.typeMap[i.kind||
"fallback"],i.tag)){d=i.typeMap[i.kind||"fallback"][i.tag];if(i.result!==null&&d.kind!==i.kind){f(i,"unaccepta\
ble node kind for !<"+i.tag+'> tag; it should be "'+d.kind+'", not "'+i.kind+'"')}if(!d.resolve(i.result)){f(i,
"cannot resolve a node with !<"+i.tag+"> explicit tag")}else{i.result=d.construct(i.result);if(i.anchor!==null){
i.anchorMap[i.anchor]=i.result}}}else{f(i,"unknown tag !<"+i.tag+">")}}if(i.listener!==null){i.listener("close",
i)}return i.tag!==null||i.anchor!==null||s}function mn(i){var n=i.position,r,o,e,u=false,l;i.version=null;i.checkLineBreaks=
i.legacy;i.tagMap={};i.anchorMap={};while((l=i.input.charCodeAt(i.position))!==0){g(i,true,-1);l=i.input.charCodeAt(
i.position);if(i.lineIndent>0||l!==37){break}u=true;l=i.input.charCodeAt(++i.position);r=i.position;while(l!==
0&&!C(l)){l=i.input.charCodeAt(++i.position)}o=i.input.slice(r,i.position);e=[];if(o.length<1){f(i,"directive \
name must not be less than one character in length")}while(l!==0){while(T(l)){l=i.input.charCodeAt(++i.position)}
if(l===35){do{l=i.input.charCodeAt(++i.position)}while(l!==0&&!v(l));break}if(v(l))break;r=i.position;while(l!==
0&&!C(l)){l=i.input.charCodeAt(++i.position)}e.push(i.input.slice(r,i.position))}if(l!==0)z_(i);if(b.call(si,o)){
si[o](i,o,e)}else{R(i,'unknown document directive "'+o+'"')}}g(i,true,-1);if(i.lineIndent===0&&i.input.charCodeAt(
i.position)===45&&i.input.charCodeAt(i.position+1)===45&&i.input.charCodeAt(i.position+2)===45){i.position+=3;
g(i,true,-1)}else if(u){f(i,"directives end mark is expected")}I(i,i.lineIndent-1,Y,false,true);g(i,true,-1);if(i.
checkLineBreaks&&nn.test(i.input.slice(n,i.position))){R(i,"non-ASCII line breaks are interpreted as content")}
i.documents.push(i.result);if(i.position===i.lineStart&&W(i)){if(i.input.charCodeAt(i.position)===46){i.position+=
3;g(i,true,-1)}return}if(i.position<i.length-1){f(i,"end of the stream or a document separator is expected")}else{
return}}function Mi(i,n){i=String(i);n=n||{};if(i.length!==0){if(i.charCodeAt(i.length-1)!==10&&i.charCodeAt(i.
length-1)!==13){i+="\n"}if(i.charCodeAt(0)===65279){i=i.slice(1)}}var r=new cn(i,n);var o=i.indexOf("\0");if(o!==
-1){r.position=o;f(r,"null byte is not allowed in input")}r.input+="\0";while(r.input.charCodeAt(r.position)===
32){r.lineIndent+=1;r.position+=1}while(r.position<r.length-1){mn(r)}return r.documents}function Oi(i,n,r){if(n!==
null&&typeof n==="object"&&typeof r==="undefined"){r=n;n=null}var o=Mi(i,r);if(typeof n!=="function"){return o}
for(var e=0,u=o.length;e<u;e+=1){n(o[e])}}function Fi(i,n){var r=Mi(i,n);if(r.length===0){return void 0}else if(r.
length===1){return r[0]}throw new Ci("expected a single document in the stream, but found more")}function An(i,n,r){
if(typeof n==="object"&&n!==null&&typeof r==="undefined"){r=n;n=null}return Oi(i,n,k.extend({schema:yi},r))}function Cn(i,n){
return Fi(i,k.extend({schema:yi},n))}q.exports.loadAll=Oi;q.exports.load=Fi;q.exports.safeLoadAll=An;q.exports.
safeLoad=Cn});var Li=y(function(Ln,Di){"use strict";var yn=E();function vn(i){return i==="<<"||i===null}Di.exports=new yn("t\
ag:yaml.org,2002:merge",{kind:"scalar",resolve:vn})});var kn=y(function(D){D.load=Ii().load;D.Type=E();D.Schema=G();D.failsafe=N();D.merge=Li()});return kn();})();

/* One implicit type: scalars that match `pattern` become `value(text)`. */
function yamlScalar(tag, pattern, value) {
  return new yamlLibrary.Type("tag:yaml.org,2002:" + tag, {
    kind: "scalar",
    resolve: function (text) { return text === null || pattern.test(text); },
    construct: function (text) { return value(text === null ? "" : text); }
  });
}

/* Whole numbers and numbers with a point, in base 60 too: 1:30 is 90. */
function yamlNumber(text) {
  var plain = text.replace(/_/g, "").toLowerCase();
  var digits = plain.replace(/^[-+]/, "");
  var sign = plain.charAt(0) === "-" ? -1 : 1;
  if (digits === ".inf") { return sign * Infinity; }
  if (digits === ".nan") { return NaN; }
  if (/^0b/.test(digits)) { return sign * parseInt(digits.slice(2), 2); }
  if (/^0x/.test(digits)) { return sign * parseInt(digits.slice(2), 16); }
  if (/^0[0-7]+$/.test(digits)) { return sign * parseInt(digits, 8); }
  return sign * digits.split(":").reduce(function (total, part) { return total * 60 + Number(part); }, 0);
}

var yamlSchema = new yamlLibrary.Schema({
  include: [yamlLibrary.failsafe],
  implicit: [
    yamlScalar("null", /^(?:~|null|Null|NULL|)$/, function () { return null; }),
    yamlScalar(
      "bool",
      /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
      function (text) { return /^(?:yes|true|on)$/i.test(text); }
    ),
    yamlScalar(
      "int",
      /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
      yamlNumber
    ),
    yamlScalar(
      "float",
      /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
      yamlNumber
    ),
    yamlLibrary.merge
  ]
});

function parseYaml(text) {
  var value = yamlLibrary.load(text, { schema: yamlSchema, json: true });
  return value === undefined ? null : value;
}
