"""After all that the other tests here have sent: what the services wrote down of it."""

import json

import httpx
from processes import Cluster, token


async def test_logs_are_a_line_of_json_each_and_hold_no_token(services: Cluster) -> None:
    secret = token("somebody with a name that is found again")
    for process in services.comments + services.fanouts:
        async with httpx.AsyncClient(base_url=process.url) as http:
            for place in (f"/{secret}", f"/v1/rooms/a?token={secret}&access_token={secret}"):
                await http.get(place, headers={"Authorization": secret, "X-Token": secret, "Referer": place})
        assert any("serving" in line for line in process.logs)
        for line in process.logs:
            assert isinstance(json.loads(line), dict)
            assert line.count("\n") == 1
            assert "eyJ" not in line
            assert "Traceback" not in line
