import { type Html, trusted } from "./html.js";
import { VIRIDIS, viridisSteps } from "./viridis.js";

/** The page's style sheet; `--seg-0` ... are the colours of the segments, from viridis, for a light and a dark page. */
export function styleHtml(numSegments: number): Html {
  const segments = (scheme: "light" | "dark") =>
    viridisSteps(numSegments, scheme)
      .map((colour, i) => `--seg-${i}:${colour};`)
      .join("");
  return trusted(`<style>
:root{${LIGHT}${segments("light")}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}${segments("dark")}}}
${RULES}</style>`);
}

/** Spend and value are two colours of viridis; what limits or is lost is a warm colour outside of it. */
const LIGHT = `color-scheme:light;--page:#f4f5f7;--surface:#fff;--ink:#14181f;--muted:#586271;--rule:#dfe3e8;
--spend:#5b4a9e;--value:#187a71;--bound:#9aa5b4;--accent:#c8501e;--tint:#eef6f5;--warn:#fdf3ec;--edge:#14181f30;--shadow:0 1px 2px #14181f14,0 4px 16px #14181f0d;`;
const DARK = `color-scheme:dark;--page:#0f1216;--surface:#181c22;--ink:#e8ebef;--muted:#9aa5b3;--rule:#2c333c;
--spend:#9d8ee6;--value:#3dbcad;--bound:#6d7988;--accent:#f08a5a;--tint:#16272a;--warn:#2b2019;--edge:#000a;--shadow:none;`;

const RULES = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif;font-kerning:normal;overflow-wrap:break-word;text-rendering:optimizeLegibility}
h1,h2,h3,p,ul,ol,dl,dd,figure{margin:0;padding:0}
ul,ol{list-style:none}
a{color:inherit}
strong,b{font-weight:650}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
bdi,.id{overflow-wrap:anywhere}
/* A short id is not torn apart at its hyphens. */
.id.whole{white-space:nowrap}
h1 .id.whole{white-space:normal}
:focus-visible{outline:2px solid var(--value);outline-offset:2px}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:1rem;background:var(--surface);padding:.5rem 1rem;z-index:2}
.muted{color:var(--muted)}

.page{max-width:1152px;margin:0 auto;padding:2.5rem 1.5rem 4rem;display:grid;grid-template-columns:minmax(0,1fr);gap:1.5rem}
main{display:grid;grid-template-columns:minmax(0,1fr);gap:1.5rem}
nav ol{display:flex;flex-wrap:wrap;gap:.3rem .4rem;font-size:.875rem}
nav a{display:block;padding:.3rem .7rem;border-radius:99px;text-decoration:none;color:var(--muted)}
nav a:hover{background:var(--surface);color:var(--ink)}
@media (min-width:1100px){
.page{grid-template-columns:9.5rem minmax(0,1fr);gap:1.5rem 2rem}
nav{position:sticky;top:2.5rem;align-self:start;grid-row:1/3}
nav ol{display:block}
nav a{padding:.32rem .8rem}
main,footer{grid-column:2}
}

section,.summary,footer{background:var(--surface);border-radius:14px;box-shadow:var(--shadow);padding:2rem 2.25rem}
section>*+*,.summary>*+*,footer>*+*{margin-top:1.1rem}
section>h3,section>.figure,section>.two{margin-top:2.25rem}
h1{font-size:clamp(1.6rem,1.1rem + 2.4vw,2.4rem);line-height:1.15;letter-spacing:-.022em;font-weight:750;text-wrap:balance}
h2{font-size:1.45rem;line-height:1.25;letter-spacing:-.014em;font-weight:700}
h3{font-size:1.05rem;line-height:1.35;font-weight:650}
p{max-width:46rem}
.eyebrow{font-size:.8rem;font-weight:650;letter-spacing:.07em;text-transform:uppercase;color:var(--value)}
.eyebrow+h1{margin-top:.3rem}
.meta{margin-top:.5rem;color:var(--muted);font-size:.92rem}
.lead{font-size:1.15rem;line-height:1.55;max-width:48rem}
.hint{color:var(--muted);font-size:.875rem}
.nothing{color:var(--muted);border:1px dashed var(--rule);border-radius:10px;padding:1rem 1.2rem;max-width:none}
.note-box{background:var(--warn);border-left:4px solid var(--accent);border-radius:6px;padding:1rem 1.25rem}

.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1px;background:var(--rule);border:1px solid var(--rule);border-radius:12px;overflow:hidden;margin-top:1.75rem!important}
.figures>div{background:var(--surface);padding:1.1rem 1.25rem}
.figures dt{font-size:.85rem;color:var(--muted)}
.figures .value{font-size:1.75rem;line-height:1.25;font-weight:700;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.figures .note{font-size:.82rem;line-height:1.4;color:var(--muted);margin-top:.15rem}
.meter{display:block;height:6px;border-radius:3px;margin-top:.5rem;background:linear-gradient(var(--spend),var(--spend)) 0/calc(var(--part)*100%) 100% no-repeat var(--rule)}
.split{display:flex;gap:2px;height:14px;border-radius:7px;overflow:hidden;margin-top:1.5rem!important}
.split span{flex:0 0 3px;background:var(--c)}
.split+.legend{margin-top:.7rem}

.findings{display:grid;gap:.75rem;max-width:48rem}
.findings li{padding-left:1.1rem;border-left:3px solid var(--value)}
.legend{display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;font-size:.875rem;line-height:1.4}
.legend li{display:inline-flex;align-items:baseline;gap:.45rem;overflow-wrap:anywhere;min-width:0}
.split+.legend li{flex-wrap:wrap;gap:.3rem}
.key,.dot{flex:none;display:inline-block;background:var(--c)}
.key.box{width:11px;height:11px;border-radius:3px}
.key.dot,.dot{width:10px;height:10px;border-radius:50%}
.key.line{width:18px;height:4px;border-radius:2px;align-self:center}
.key.dash{width:18px;height:0;background:none;border-top:2px dashed var(--c);align-self:center}
.segment{display:inline-flex;align-items:baseline;gap:.45rem;font-weight:inherit}
.viridis{display:flex;align-items:center;gap:.7rem;font-size:.8rem;line-height:1.3;color:var(--muted)}
.viridis .ramp{flex:1 1 6rem;max-width:16rem;height:12px;border-radius:6px;background:linear-gradient(90deg,${VIRIDIS.join(",")})}

.figure{display:grid;grid-template-columns:minmax(0,1fr);gap:.6rem}
.chart{display:block;width:100%;height:auto;overflow:visible;font-family:inherit;font-variant-numeric:tabular-nums}
.narrow-only{display:none}
.any-width{max-width:440px}
figcaption{color:var(--muted);font-size:.875rem;max-width:46rem}
@media screen and (max-width:839px){
.wide-only{display:none}
.narrow-only{display:block;max-width:500px}
}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:2rem}
.two .figure{align-content:start}
.losses{display:grid;gap:1rem;margin:.5rem 0}
.loss{display:grid;grid-template-columns:1fr auto;gap:.25rem 1rem;font-size:.92rem;font-variant-numeric:tabular-nums}
.track{grid-column:1/3;height:14px;border-radius:4px;background:var(--page);overflow:hidden}
.track span{display:block;height:100%;width:calc(var(--part)*100%);background:var(--c)}

details{font-size:.9rem}
summary{cursor:pointer;color:var(--muted);width:fit-content;padding:.2rem 0}
summary:hover{color:var(--ink)}
details[open]>summary{margin-bottom:.5rem}
.rest{margin-top:.6rem}

.scroll{position:relative;overflow-x:auto;max-width:100%;border:1px solid var(--rule);border-radius:10px;overscroll-behavior-x:contain;
background:linear-gradient(90deg,var(--surface) 30%,transparent) 0/40px 100% no-repeat local,linear-gradient(270deg,var(--surface) 30%,transparent) 100%/40px 100% no-repeat local,linear-gradient(90deg,var(--edge),transparent) 0/14px 100% no-repeat scroll,linear-gradient(270deg,var(--edge),transparent) 100%/14px 100% no-repeat scroll}
.rest .scroll,.numbers .scroll{max-height:30rem;overflow-y:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.4;font-variant-numeric:tabular-nums}
th,td{padding:.6rem .8rem;text-align:left;vertical-align:top;border-top:1px solid var(--rule)}
thead th{border-top:0;color:var(--muted);font-weight:600;font-size:.8rem;vertical-align:bottom;}
thead tr{border-bottom:2px solid var(--rule)}
thead th.num{white-space:normal}
tbody th{font-weight:600}
tbody th.text-cell{font-weight:400}
.num{text-align:right;white-space:nowrap}
.wide-cell{min-width:10.5rem}
.name-cell{min-width:9rem;max-width:13rem}
.text-cell{min-width:17rem;max-width:32rem}
.sub{display:block;color:var(--muted);font-weight:400;font-size:.92em}
.sub .dot{width:8px;height:8px}
.bar{display:block;height:5px;border-radius:3px;margin-top:.3rem;margin-left:auto;width:calc(var(--part)*7rem);min-width:2px;background:var(--c)}
.bar-cell{min-width:12rem}
.diverging{display:block;height:1.1em;background:linear-gradient(var(--rule),var(--rule)) center/1px 100% no-repeat;position:relative}
.diverging::after{content:"";position:absolute;top:.15em;bottom:.15em;left:50%;width:calc(var(--part)*50%);background:var(--value);border-radius:2px}
.diverging.low::after{left:auto;right:50%;background:var(--accent)}
thead .bar-cell{text-align:center}
.heatmap td.heat{padding:2px}
.heatmap th:first-child{position:sticky;left:0;background:var(--surface);z-index:1}
.tile{display:block;padding:.45rem .6rem;border-radius:6px;background:color-mix(in srgb,var(--tone) calc(var(--z)*62%),transparent)}
.tile b,.tile span{display:block}
.tile b{font-weight:600}
.tile span{font-size:.78rem;opacity:.85}
.tile.high{--tone:var(--value)}
.tile.low{--tone:var(--accent)}
.scale{white-space:nowrap;display:inline-flex;gap:.4rem;align-items:center;vertical-align:bottom}
.scale .ramp{width:6rem;height:10px;border-radius:5px;background:linear-gradient(90deg,color-mix(in srgb,var(--accent) 62%,transparent),transparent,color-mix(in srgb,var(--value) 62%,transparent))}

footer{font-size:.92rem}
footer h2{font-size:1.15rem}
.settings{display:flex;flex-wrap:wrap;gap:.6rem 2rem}
.settings dt{color:var(--muted);font-size:.8rem}

@media (max-width:639px){
body{font-size:15.5px}
.page{padding:1rem .75rem 2rem;gap:.75rem}
main{gap:.75rem}
section,.summary,footer{padding:1.25rem 1.1rem;border-radius:12px}
.lead{font-size:1.05rem}
.figures{grid-template-columns:1fr 1fr}
.figures>div{padding:.8rem .85rem}
.figures .value{font-size:1.3rem}
.figures .note{font-size:.78rem}
nav ol{flex-wrap:nowrap;overflow-x:auto;scrollbar-width:none;margin:0 -.75rem;padding:0 .5rem}
.text-cell{min-width:15rem}
.stacks,.stacks tbody,.stacks th,.stacks td{display:block;min-width:0;max-width:none}
.stacks thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stacks tr{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.5rem .7rem;padding:.8rem;border-top:1px solid var(--rule)}
.stacks tbody tr:first-child{border-top:0}
.stacks tbody td,.stacks tbody th{border:0;padding:0;grid-column:1/-1}
.stacks-4 tr{grid-template-columns:repeat(4,auto)}
.stacks tbody td.bar-cell{grid-column:1/3}
.stacks tbody td.num{grid-column:auto;text-align:left;white-space:normal}
.stacks td.num::before{content:attr(data-label);display:block;color:var(--muted);font-size:.78rem}
.stacks td:not(.num,.text-cell,.bar-cell)::before{content:attr(data-label) ": ";color:var(--muted)}
.stacks .bar{margin-left:0;width:calc(var(--part)*100%)}
}
@media print{
@page{margin:14mm}
:root{--page:#fff;--shadow:none}
body{font-size:10pt;background:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav,.skip,.numbers{display:none!important}
.page{display:block;padding:0;max-width:none}
section,.summary,footer{padding:0 0 1.2rem;border-radius:0;margin-bottom:1.2rem}
main{display:block}
.figure,.figures,tr,.findings li{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll{overflow:visible}
table{font-size:8pt}
.wide-cell,.text-cell,.bar-cell{min-width:0}
.any-width{max-width:300px}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;
