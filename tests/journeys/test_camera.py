"""The camera at the counter, with a browser that pretends to have one and to read what it sees."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watched, violations

from .walking import PHONE, code_behind, grant_first_coupon, link_in_mail, new_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCAN = re.compile("cámara", re.IGNORECASE)
# What a camera gives is drawn on a canvas; what the detector reads of it is `window.seen`.
DEVICES = """
window.seen = [];
window.stopped = 0;
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return window.seen.splice(0, 1).map((rawValue) => ({ rawValue })); }
};
navigator.mediaDevices.getUserMedia = async () => {
  if (window.refuse) throw new DOMException("", "NotAllowedError");
  const canvas = document.createElement("canvas");
  const drawing = canvas.getContext("2d");
  window.frames_drawn = setInterval(() => drawing.fillRect(0, 0, Math.random() * 9, 9), 30);
  const stream = canvas.captureStream();
  for (const track of stream.getTracks()) {
    const stop = track.stop.bind(track);
    track.stop = () => { window.stopped += 1; stop(); };
  }
  return stream;
};
"""


def _counter(person: Callable[..., Watched], devices: str = DEVICES) -> Page:
    watched = person("carmen", **PHONE)
    watched.context.add_init_script(devices)
    watched.page.goto("/counter/")
    return watched.page


def test_the_camera_reads_a_coupon(person: Callable[..., Watched]) -> None:
    agent = person("lucia").page
    new_case(agent, "Olga Prueba")
    grant_first_coupon(agent)
    code = code_behind(person(**PHONE).page, link_in_mail(agent, "Olga Prueba"))
    page = _counter(person)
    page.get_by_role("button", name=SCAN).click()
    expect(page.locator("video")).to_be_visible()
    assert violations(page) == {}
    page.evaluate("seen.push('https://example.com/menu')")
    expect(page.locator("[data-camera-says]")).not_to_be_empty()
    page.evaluate("code => seen.push(code)", code)
    page.wait_for_url("**/counter/coupon/")


def test_the_camera_stops_where_it_is_not_wanted(person: Callable[..., Watched]) -> None:
    page = _counter(person)
    page.get_by_role("button", name=SCAN).click()
    expect(page.locator("video")).to_be_visible()
    page.get_by_role("button", name=re.compile("^(Detener|Apagar|Stop)")).click()
    expect(page.locator("video")).to_be_hidden()
    assert page.evaluate("stopped") == 1
    expect(page.get_by_role("button", name=SCAN)).to_be_focused()


def test_a_camera_that_is_refused_says_what_to_do(person: Callable[..., Watched]) -> None:
    page = _counter(person, f"{DEVICES} window.refuse = true;")
    page.get_by_role("button", name=SCAN).click()
    expect(page.locator("[data-camera-says]")).to_contain_text(re.compile("ajustes|configuración"))
    expect(page.get_by_role("button", name=SCAN)).to_be_visible()


def test_without_a_camera_the_page_speaks_of_none(person: Callable[..., Watched]) -> None:
    page = _counter(person, "delete window.BarcodeDetector;")
    expect(page.locator("[name=code]")).to_be_visible()
    expect(page.get_by_role("button", name=SCAN)).to_have_count(0)
