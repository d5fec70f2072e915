// The turnable view of the report: lines drawn by WebGL 2, without any library.
(async () => {
'use strict';
const view = document.getElementById('view');
const canvas = view.querySelector('canvas');
const scene = JSON.parse(document.getElementById('scene').textContent);
const gl = canvas.getContext('webgl2', {antialias: true});
if (!gl || !window.DecompressionStream) return;

// The data: points as differences, low and high bytes apart, then the levels of each colour.
const packed = Uint8Array.from(atob(scene.data), (letter) => letter.charCodeAt(0));
const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
const {lines, points} = scene;
const counts = new Uint32Array(bytes.buffer, 0, lines);
const BOX = 8, GREY = 256;
const vertices = new Uint16Array(4 * (points + BOX));
const middle = [], half = [];
for (let axis = 0; axis < 3; axis++) {
  const low = 4 * lines + 2 * axis * points;
  let least = 65535, most = 0;
  for (let at = 0, value = 0; at < points; at++) {
    value = (value + bytes[low + at] + 256 * bytes[low + points + at]) & 0xffff;
    vertices[4 * at + axis] = value;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  // In the order of an image y points down and z away.
  const size = axis ? -scene.scale[axis] : scene.scale[axis];
  middle.push(size * (least + most) / 2);
  half.push(size * (most - least) / 2);
  for (let corner = 0; corner < BOX; corner++)
    vertices[4 * (points + corner) + axis] = (corner >> axis & 1) * (scene.size[axis] - 1);
}
function paint(which) {
  let at = 0;
  const levels = bytes.subarray(4 * lines + 6 * points + which * lines);
  for (let line = 0; line < lines; line++)
    for (const end = at + counts[line]; at < end; at++) vertices[4 * at + 3] = levels[line];
  for (; at < points + BOX; at++) vertices[4 * at + 3] = GREY;
  gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STATIC_DRAW);
  const palette = Uint8Array.from(atob(scene.colours[which].palette), (l) => l.charCodeAt(0));
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, palette);
}

// The box first, then every eighth line, and so on: a part of the indices is a part of everywhere.
const indices = new Uint32Array(2 * (points - lines + 12));
let count = 0;
for (let corner = 0; corner < BOX; corner++)
  for (let axis = 0; axis < 3; axis++)
    if (!(corner >> axis & 1)) {
      indices[count++] = points + corner;
      indices[count++] = points + (corner | 1 << axis);
    }
const starts = new Uint32Array(lines + 1);
for (let line = 0; line < lines; line++) starts[line + 1] = starts[line] + counts[line];
for (let turn = 0; turn < 8; turn++)
  for (let line = turn; line < lines; line += 8)
    for (let at = starts[line]; at < starts[line + 1] - 1; at++) {
      indices[count++] = at;
      indices[count++] = at + 1;
    }

function shader(type, text) {
  const made = gl.createShader(type);
  gl.shaderSource(made, text);
  gl.compileShader(made);
  return made;
}
const program = gl.createProgram();
gl.attachShader(program, shader(gl.VERTEX_SHADER, `#version 300 es
  layout(location = 0) in vec4 point;
  uniform mat4 camera;
  uniform vec3 scale, centre;
  uniform vec2 shift;
  uniform float distance;
  uniform sampler2D palette;
  out vec3 colour;
  void main() {
    gl_Position = camera * vec4(point.xyz * scale - centre, 1.0);
    float far = clamp((gl_Position.w - distance + 1.0) / 2.0, 0.0, 1.0);
    gl_Position.xy += shift * gl_Position.w;
    colour = point.w > 255.5 ? vec3(0.3)
      : texelFetch(palette, ivec2(int(point.w), 0), 0).rgb * mix(1.0, 0.45, far);
  }`));
gl.attachShader(program, shader(gl.FRAGMENT_SHADER, `#version 300 es
  precision mediump float;
  in vec3 colour;
  out vec4 pixel;
  void main() { pixel = vec4(colour, 1.0); }`));
gl.linkProgram(program);
gl.useProgram(program);
const uniform = (name) => gl.getUniformLocation(program, name);
gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
gl.vertexAttribPointer(0, 4, gl.UNSIGNED_SHORT, false, 8, 0);
gl.enableVertexAttribArray(0);
gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
gl.enable(gl.DEPTH_TEST);
gl.clearColor(22 / 255, 24 / 255, 29 / 255, 1);

// Half of the diagonal of the skeleton becomes 1.
const radius = Math.hypot(...half) || 1;
gl.uniform3f(uniform('scale'), ...scene.scale.map((each, axis) => (axis ? -each : each) / radius));
gl.uniform3f(uniform('centre'), ...middle.map((each) => each / radius));
const reach = 2 * Math.hypot(...scene.scale.map((each, axis) => each * scene.size[axis])) / radius;
const FOCUS = 3.2;
const front = () => scene.flat ? {yaw: 0, pitch: 0, zoom: 1, x: 0, y: 0}
  : {yaw: -0.6, pitch: 0.35, zoom: 1, x: 0, y: 0};
let camera = front();

let share = 1, last = 0, asked = false, still = 0;
function draw(now) {
  asked = false;
  const sharp = Math.min(2, window.devicePixelRatio || 1);
  const width = Math.round(canvas.clientWidth * sharp);
  const height = Math.round(canvas.clientHeight * sharp);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  gl.viewport(0, 0, width, height);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  const distance = FOCUS / camera.zoom;
  const [sy, cy, sp, cp] =
    [Math.sin(camera.yaw), Math.cos(camera.yaw), Math.sin(camera.pitch), Math.cos(camera.pitch)];
  const [fx, fy] = [FOCUS * Math.min(1, height / width), FOCUS * Math.min(1, width / height)];
  const near = Math.max(0.01, distance - reach), far = distance + reach;
  const [a, b] = [(far + near) / (near - far), 2 * far * near / (near - far)];
  const z = [-cp * sy, sp, cp * cy];
  gl.uniformMatrix4fv(uniform('camera'), false, [
    fx * cy, fy * sp * sy, a * z[0], -z[0],
    0, fy * cp, a * z[1], -z[1],
    fx * sy, -fy * sp * cy, a * z[2], -z[2],
    fx * camera.x, fy * camera.y, -a * distance + b, distance]);
  gl.uniform1f(uniform('distance'), distance);
  // While it moves, no more lines than are fluid; few lines are drawn twice as thick.
  const moving = now - still < 150;
  if (moving && last) {
    const took = now - last;
    if (took > 50) share = Math.max(1 / 16, share / 2);
    else if (took < 22) share = Math.min(1, share * 1.3);
  }
  last = moving ? now : 0;
  const drawn = moving ? 24 + 2 * Math.floor((count - 24) / 2 * share) : count;
  const offsets = count < 400000 ? [[0, 0], [1, 0], [0, 1], [1, 1]] : [[0, 0]];
  for (const [right, up] of offsets) {
    gl.uniform2f(uniform('shift'), 2 * right / width, 2 * up / height);
    gl.drawElements(gl.LINES, drawn, gl.UNSIGNED_INT, 0);
  }
  if (moving) ask();
}
function ask() {
  if (!asked) requestAnimationFrame(draw);
  asked = true;
}
function moved() {
  still = performance.now();
  ask();
}
function zoom(factor) {
  camera.zoom = Math.min(40, Math.max(0.3, camera.zoom * factor));
  moved();
}

// One pointer turns, with Shift or the other button it moves; two zoom.
const pointers = new Map();
canvas.addEventListener('pointerdown', (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
});
canvas.addEventListener('pointermove', (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
  const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
  pointers.set(event.pointerId, event);
  if (other) {
    const apart = (each) =>
      Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY) || 1;
    zoom(apart(event) / apart(before));
  } else if (event.shiftKey || event.buttons === 2) {
    const size = 2 / Math.min(canvas.clientWidth, canvas.clientHeight) / camera.zoom;
    camera.x += dx * size;
    camera.y -= dy * size;
  } else {
    camera.yaw += dx * 0.008;
    camera.pitch = Math.min(1.57, Math.max(-1.57, camera.pitch + dy * 0.008));
  }
  moved();
});
for (const name of ['pointerup', 'pointercancel'])
  canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
canvas.addEventListener('contextmenu', (event) => event.preventDefault());
canvas.addEventListener('wheel', (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
}, {passive: false});
const KEYS = {
  ArrowLeft: () => { camera.yaw -= 0.1; }, ArrowRight: () => { camera.yaw += 0.1; },
  ArrowUp: () => { camera.pitch = Math.max(-1.57, camera.pitch - 0.1); },
  ArrowDown: () => { camera.pitch = Math.min(1.57, camera.pitch + 0.1); },
  '+': () => zoom(1.2), '=': () => zoom(1.2), '-': () => zoom(1 / 1.2),
  0: () => { camera = front(); },
};
canvas.addEventListener('keydown', (event) => {
  if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
  moved();
});
new ResizeObserver(ask).observe(canvas);

const select = view.querySelector('select');
const legends = view.querySelectorAll('.legend');
function choose() {
  legends.forEach((legend, at) => { legend.hidden = at !== select.selectedIndex; });
  paint(select.selectedIndex);
  ask();
}
select.addEventListener('change', choose);
view.hidden = false;
document.getElementById('no-view').hidden = true;
choose();
})();
