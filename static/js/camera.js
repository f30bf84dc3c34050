/* Reads a coupon's QR with the camera, where the browser has what that takes; elsewhere the page is as it was.
   What was read goes the way of a typed code. The camera is on only between the button and a read. */

const part = document.querySelector("[data-camera]");
const field = document.querySelector("[data-camera-for]");
const view = part?.querySelector("[data-camera-view]");
const start = part?.querySelector("[data-camera-start]");
const says = part?.querySelector("[data-camera-says]");
const PAUSE_MS = 150;
/* Another QR on the counter, such as a menu's, is no code to send. */
const CODE = /^[0-9a-z]{4}(-?[0-9a-z]{4}){3}$/i;

let stream = null;

async function supported() {
  if (!part || !field || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  view.querySelector("video").srcObject = null;
  view.hidden = true;
  start.hidden = false;
}

async function read(video) {
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  while (stream) {
    const found = video.readyState >= video.HAVE_CURRENT_DATA ? await detector.detect(video) : [];
    const code = found.map((one) => one.rawValue.trim()).find((value) => CODE.test(value));
    if (code && stream) {
      stop();
      field.value = code;
      field.form.requestSubmit();
      return;
    }
    if (found.length) says.textContent = part.dataset.cameraOther;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

async function open() {
  says.textContent = "";
  start.hidden = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    if (document.hidden) return stop();
    view.hidden = false;
    const video = view.querySelector("video");
    video.srcObject = stream;
    await video.play();
    await read(video);
  } catch (error) {
    stop();
    says.textContent = error.name === "NotAllowedError" ? part.dataset.cameraRefused : part.dataset.cameraFailed;
  }
}

if (await supported()) {
  part.hidden = false;
  start.addEventListener("click", open);
  view.querySelector("[data-camera-stop]").addEventListener("click", () => {
    stop();
    start.focus();
  });
  addEventListener("pagehide", stop);
  document.addEventListener("visibilitychange", () => document.hidden && stop());
}
