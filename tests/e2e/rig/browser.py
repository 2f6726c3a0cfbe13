"""Debian's Chromium without a window, driven by its ChromeDriver."""

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from rig.processes import free_port

# A browser of its own, that asks nobody outside for anything.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--force-device-scale-factor=1")


class Browser:
    def __init__(self, profile):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver", port=free_port()), options=options)
        self.driver.set_page_load_timeout(20)
        self.driver.set_script_timeout(20)

    def screen(self, width, height, dark=False):
        """As of a device of that size, in the colours its user prefers."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def picture(self, file):
        """The whole page, however long it is."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return window.innerWidth")
        self.screen(width, height)
        self.driver.save_screenshot(str(file))

    def text(self, identifier):
        return self.driver.execute_script("return document.getElementById(arguments[0]).textContent", identifier)

    def complaints(self):
        """What the browser's console holds that is no mere note."""
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]

    def close(self):
        self.driver.quit()
