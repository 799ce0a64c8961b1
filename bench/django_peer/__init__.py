"""What a user would pick instead: Django's ORM with django-simple-history. Runs in its own venv."""
