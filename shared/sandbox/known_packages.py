"""Modules of widely used packages, by the name they are imported by: none of them is an invention of a program."""

from typing import Final

_NAMES: Final = """
IPython OpenSSL PIL PyQt5 PyQt6 PySide6 aiobotocore aiofiles aiohttp aiosqlite airflow alembic altair anthropic anyio
apscheduler argcomplete arrow asgiref astropy asyncpg attr attrs authlib azure babel backoff bcrypt billiard black
bleach blinker bokeh boto3 botocore bottle bs4 cachetools cattrs celery certifi cffi chardet charset_normalizer
cherrypy click cloudpickle colorama colorlog coverage croniter cryptography cv2 cython cytoolz dash dask databases
dateparser dateutil deepdiff defusedxml dill discord distributed django dns docker docopt docutils docx dotenv duckdb
ecdsa elasticsearch email_validator emoji environs faker falcon fastapi fastavro faust filelock fire flask flask_cors
flask_login flask_migrate flask_restful flask_sqlalchemy flask_wtf freezegun fsspec fuzzywuzzy gensim geopandas gevent
git google gradio graphene graphql greenlet grpc gunicorn h11 h2 h5py holidays html2text html5lib httpcore httptools
httpx hypercorn hypothesis imageio importlib_metadata inflect inflection iniconfig invoke ipywidgets isort
itsdangerous jax jinja2 jmespath joblib jose jsonpath_ng jsonschema jupyter jwt kafka keras keyring kombu langchain
lightgbm llvmlite locust loguru lxml magic mako markdown markdown_it markupsafe marshmallow matplotlib mistune mock
mongoengine more_itertools motor msgpack multidict mypy mysql nbformat networkx nltk nose nox numba numexpr numpy
oauthlib odf openai openpyxl orjson packaging pandas paramiko parsimonious parso passlib pathspec patsy peewee
pendulum pexpect phonenumbers pika pint pip pkg_resources playwright plotly pluggy plumbum polars portalocker
prettytable prometheus_client prompt_toolkit psutil psycopg psycopg2 pyarrow pyasn1 pycparser pydantic pydantic_core
pydantic_settings pydot pyfiglet pygame pygments pylint pymongo pymysql pynacl pyparsing pypdf pyperclip pyproj
pyrsistent pysnmp pytest pytest_asyncio pytest_mock python_multipart pytz pywt qrcode quart rapidfuzz ray rdflib redis
regex reportlab requests requests_mock requests_oauthlib respx rich rsa ruamel s3fs sanic scapy schedule schema scipy
scrapy seaborn selenium sentry_sdk serial setuptools shapely simplejson six skimage sklearn slugify smart_open sniffio
snowflake sortedcontainers soupsieve spacy sphinx sqlalchemy sqlglot sqlmodel sqlparse starlette statsmodels streamlit
structlog sympy tabulate tblib telegram tenacity tensorflow termcolor textual tiktoken tinydb toml tomli tomli_w
tomlkit toolz torch torchaudio torchvision tornado tox tqdm trafilatura transformers trio trustme twilio twisted
typeguard typer typing_extensions tzdata tzlocal ujson unidecode uritemplate urllib3 uvicorn uvloop validators
virtualenv voluptuous waitress watchdog watchfiles webencodings webob websocket websockets werkzeug wheel whoosh wrapt
wtforms xarray xgboost xlrd xlsxwriter xmltodict yaml yarl zmq zope zstandard
"""
KNOWN: Final = frozenset(_NAMES.split())
